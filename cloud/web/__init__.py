"""The pages that explain the service: an index, the API, every refusal."""
