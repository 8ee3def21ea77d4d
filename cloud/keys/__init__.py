"""Signing keys: made, published, rotated, and sealed at rest.

`sealing` seals private halves under a master key, and `master_file` is that key's file; neither
knows a database. `model` says which key signs when.
"""
