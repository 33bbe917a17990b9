"""Tests of the desk in a browser and over HTTP."""
