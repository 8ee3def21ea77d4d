"""`python -m edge.signals`: the signals process alone."""

from edge.signals.command import signals

if __name__ == "__main__":
    signals(prog_name="usher-edge signals")
