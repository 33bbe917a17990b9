"""Measures of offhook as a person meets it: real processes, real files, medians over many."""
