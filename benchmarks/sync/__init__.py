"""Suites of sync: real gates, a real cloud and what is between them."""
