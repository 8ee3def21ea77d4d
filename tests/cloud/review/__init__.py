"""What a review of the cloud found, and what keeps it mended."""
