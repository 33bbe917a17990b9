"""Reads a recording for the desk in a process of its own: its peaks, and a copy that browsers play."""
