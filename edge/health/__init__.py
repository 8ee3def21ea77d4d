"""How this appliance does: what was found, what it means, what to do next."""
