"""Gates that talk to each other: found, known by their keys, and told of every record."""
