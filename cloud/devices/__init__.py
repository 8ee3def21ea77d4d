"""Devices: who may speak for a tenant, what they are told, and how they are.

`registry` and `badges` hold who there is, `rosters` signs it; `enrolments` lets a device in,
`rolling` gives it a new key; `commands` says what it must do, `reports` what it says of itself.
"""
