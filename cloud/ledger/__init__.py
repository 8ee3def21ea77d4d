"""Tickets as compressed NFTs: minted once, moved, frozen, burned, and provable. See README.md."""
