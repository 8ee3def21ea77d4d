"""Manifests: what gates preload, published from the tickets' rows and handed out.

`listing` says what a row is to a gate; `publisher` signs, `repository` holds, `routes` serve.
"""
