"""The command line, with its read models and actions."""
