"""Tenants: their members, invitations, API keys and service clients."""
