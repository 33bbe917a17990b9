"""The database: the only code that knows peewee or SQL."""
