"""What is held about a person: handed out, and erased."""
