"""The whole venue on one machine, `make demo`: a cloud, three gates, a crowd before cameras.

The demo is an organizer, a technician and two thousand guests. It speaks to both sides as they
would: over HTTP, by the console, and by what it holds before a camera.
"""
