"""The scan log: 256-byte signed records in a chain per device incarnation (spec/log.md)."""
