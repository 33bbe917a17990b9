"""Where hints wait, by URL: a SQLite file of the home, PostgreSQL, or Redis."""
