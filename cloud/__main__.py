"""`python -m cloud` is `usher-cloud`."""

from cloud.cli import main

main(prog_name="usher-cloud")
