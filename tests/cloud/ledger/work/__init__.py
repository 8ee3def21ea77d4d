"""From tickets to assets."""
