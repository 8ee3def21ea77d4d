"""Gates as real processes in network namespaces of their own, on a LAN that can be cut."""
