"""Accounts in one SQLite file: durable, shared by the processes of one machine, with no server to run."""

from .store import SQLiteStore

__all__ = ["SQLiteStore"]
