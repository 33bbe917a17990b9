"""All that is SQLite's own: connections, transactions, the schema, the full-text index, scrubbing, copies."""
