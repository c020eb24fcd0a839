"""The store in PostgreSQL, with psycopg 3 (extra ``postgres``)."""

from .store import PostgresStore

__all__ = ["PostgresStore"]
