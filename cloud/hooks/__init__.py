"""What happens, told to organizers' own systems by signed HTTP calls (Standard Webhooks)."""
