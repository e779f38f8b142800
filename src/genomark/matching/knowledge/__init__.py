"""Tables of names: cell lines, cell types and tissues, molecules, species."""
