"""Recordings of any format as 16 kHz mono audio."""
