"""Tickets: how they are shown, as codes and on paper."""
