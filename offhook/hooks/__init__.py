"""Notifies other programs of records: webhooks and programs of the user's own."""
