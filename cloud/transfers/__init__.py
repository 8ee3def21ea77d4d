"""Tickets handed over from one account to another."""
