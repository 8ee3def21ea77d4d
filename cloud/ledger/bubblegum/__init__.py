"""Bubblegum: layouts, hashes, addresses, instructions and events of its V1 and V2. Pure."""
