"""Tasks on labelled sequences: declarations, suites, and the benchmark that asks them."""
