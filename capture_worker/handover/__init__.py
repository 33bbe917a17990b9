"""Turns finished and recovered recordings into records."""
