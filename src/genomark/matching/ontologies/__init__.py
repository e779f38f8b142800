"""Names of users' own: OBO files (Cell Ontology, Uberon, EFO, Mondo ...) and Cellosaurus."""

from genomark.matching.ontologies.files import knowledge_of, read_concepts

__all__ = ["knowledge_of", "read_concepts"]
