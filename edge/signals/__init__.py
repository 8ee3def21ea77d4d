"""Lamp, turnstile and speaker: what a verdict does outside the screen."""
