"""The entry rules of an event: compiled once, read at every scan (spec/rules.md)."""
