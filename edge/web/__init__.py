"""What staff see and other lanes call: pages and HTTP, over TLS."""
