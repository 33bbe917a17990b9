"""Hands the recordings of a workstation to its team's server, and takes over what becomes of them."""
