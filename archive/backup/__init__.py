"""Backups: make one, check one, bring one back."""
