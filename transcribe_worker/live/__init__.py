"""Transcribes calls while they are recorded: the worker's side. `follower.py` is the main path."""
