"""Accounts in Redis: for several machines; one primary, behind Sentinel, or a Cluster."""

from .store import RedisStore

__all__ = ["RedisStore"]
