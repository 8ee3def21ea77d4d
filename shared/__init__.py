"""Usher's protocol: pure functions over bytes, specified in ``shared/spec/``.

Nothing here reads a clock, a file, a socket or a random source: time, randomness and
stored state are arguments. Start with ``shared/README.md``.
"""
