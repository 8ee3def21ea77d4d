"""The merged view: what a set of records means, whatever order it came in (spec/merge.md)."""
