"""Stress: offhook's real processes under conditions worse than any workstation's."""
