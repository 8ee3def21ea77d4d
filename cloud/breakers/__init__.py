"""Circuit breakers: who fails is left alone for a while, by all processes together."""
