"""Moves a home to a team's server: its recordings into the storage, its records into PostgreSQL."""
