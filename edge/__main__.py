"""`python -m edge` is `usher-edge`."""

from edge.cli import main

main(prog_name="usher-edge")
