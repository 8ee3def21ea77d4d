"""A small event from the first key to the merged logs, in the terminal: `make demo`."""
