"""Tells voices apart in a recording with one channel."""
