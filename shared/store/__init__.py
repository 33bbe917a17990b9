"""The database: the only code that knows peewee or SQL. `Store` is what the rest of offhook uses."""
