"""Makes, checks and restores backups."""
