"""Studies: questions that take several models, each made for the answer."""
