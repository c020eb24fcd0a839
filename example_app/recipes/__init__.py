"""Hosts of every kind with the gate.

Each is one small file that a test runs: see README.md.
"""
