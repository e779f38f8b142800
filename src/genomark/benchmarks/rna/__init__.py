"""Secondary structures of RNA as benchmarks."""
