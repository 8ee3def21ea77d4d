"""What is newest, for a tenant's devices: one state, and a stream that tells of its changes.

`state` reads it, `hub` hears of changes, `routes` serve both.
"""
