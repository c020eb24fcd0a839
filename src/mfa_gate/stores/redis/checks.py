"""Whether a Redis server may hold the gate's state: new enough, evicting nothing, keeping what it was told (S-112)."""

from __future__ import annotations

from redis.exceptions import ResponseError

from .resp import Reply, fields_of
from .wire import Command

QUESTIONS: tuple[Command, ...] = (
    ("INFO", "server"),
    ("INFO", "memory"),
    ("INFO", "persistence"),
    ("CONFIG", "GET", "save"),
)
OLDEST = 7


def faults_of(replies: list[Reply], *, durable: bool) -> list[str]:
    """What is wrong with the server that gave these answers to ``QUESTIONS``, each with its fix."""
    server, memory, persistence = (fields_of(reply) for reply in replies[:3])
    faults: list[str] = []
    version = server.get("redis_version", "0")
    if int(version.partition(".")[0]) < OLDEST:
        faults.append(f"Redis {version} is too old: {OLDEST}.0 or newer is needed")
    policy = memory.get("maxmemory_policy", "")
    if policy != "noeviction":
        faults.append(
            f"Redis evicts keys (maxmemory-policy {policy or 'unknown'}), which would undo locks: set maxmemory-policy noeviction"
        )
    if durable and persistence.get("aof_enabled") != "1" and not _saves(replies[3]):
        faults.append(
            "Redis keeps nothing on disk, so a restart would undo locks and enrollments: set appendonly yes, or write "
            "?durable=false at the end of the store's URL to accept that"
        )
    return faults


def _saves(reply: Reply) -> bool:
    return not isinstance(reply, ResponseError) and len(reply) == 2 and bool(reply[1])
