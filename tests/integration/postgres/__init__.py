"""What only PostgreSQL has: a server that may be gone, writers at once, a clock for all machines."""
