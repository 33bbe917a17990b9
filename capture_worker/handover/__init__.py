"""A finished or left recording becomes a record."""
