"""Speed of the cloud service: real servers, real processes, durable commits."""
