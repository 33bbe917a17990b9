"""Tells programs what is heard while a call is recorded; the transcription worker does the hearing."""
