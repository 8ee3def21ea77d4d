"""What happens at a venue; each is a program that runs inside its namespaces."""
