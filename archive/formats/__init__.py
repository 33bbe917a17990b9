"""The formats of transcripts, each in a module of its own; `archive/exports.py` has the table."""
