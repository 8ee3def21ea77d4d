"""The cloud ticket service: sells, signs and serves tickets (cloud/README.md)."""
