"""Accounts in one SQLite file.

They are durable, and shared by the processes of one machine. There is no server to run.
"""

from .store import SQLiteStore

__all__ = ["SQLiteStore"]
