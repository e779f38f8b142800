"""RNA: secondary structures, folding and design."""
