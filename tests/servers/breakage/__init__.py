"""Servers that break under three busy applications, and the audit afterwards.

The audit compares all that was confirmed with what the store has.

``python -m tests.servers.breakage`` runs every breakage once; ``--hours 4`` goes on until the time is over.
"""
