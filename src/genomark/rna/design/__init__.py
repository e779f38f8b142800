"""Design of RNA: sequences that fold into a structure. `docs/design/rna-design.md` tells how."""
