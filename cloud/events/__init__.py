"""Venues, events, ticket classes: what is sold, and the plan that gates go by."""
