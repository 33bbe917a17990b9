"""The database, with all of peewee and SQL except Huey's queue. The other modules use `Store`."""
