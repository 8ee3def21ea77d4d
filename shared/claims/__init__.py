"""Claims: one gate's leave, asked on the LAN before green, to use a right up (spec/claims.md).

The owner of a ticket grants its rights (`leases`); whoever has a guest in front of it asks
(`claimant`). Both are functions of a state, a message and the time: whoever calls them has
the connections, the clock and the log. Time is monotonic milliseconds of the device's own.
"""
