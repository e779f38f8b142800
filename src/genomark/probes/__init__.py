"""Simple heads fitted on frozen vectors, cross-validated: what does a representation know?"""
