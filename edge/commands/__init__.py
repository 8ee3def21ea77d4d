"""What the commands of `usher-edge` do; `edge.cli` says how they are called."""
