"""`python -m edge.scan`: the camera process alone."""

from edge.scan.command import camera

if __name__ == "__main__":
    camera(prog_name="usher-edge camera")
