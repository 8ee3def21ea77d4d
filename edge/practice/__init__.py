"""A whole event made up on the spot, for laptops, tests and benchmarks."""
