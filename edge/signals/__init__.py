"""Lamp, turnstile and speaker: a process of its own, which fails safe when the agent is gone."""
