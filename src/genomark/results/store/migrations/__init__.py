"""Revisions of the tables of a store, in order; Alembic runs them when a store is opened."""
