"""Faults put into the source on purpose, to see if a test notices them."""
