"""All that is PostgreSQL's own: connections, locks, the schema, the change feed, the full-text index."""
