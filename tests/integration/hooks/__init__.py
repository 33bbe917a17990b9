"""Hooks: who is notified when a record is completed or has failed."""
