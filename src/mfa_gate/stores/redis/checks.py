"""Whether a Redis server may hold the gate's state: new enough, evicting nothing, keeping what it was told (S-112)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from redis.asyncio.connection import Connection
from redis.exceptions import AuthenticationError, ResponseError

from ...errors import StoreUnavailable
from .resp import Reply, fields_of
from .url import Address, Place
from .wire import COMMAND_WITHIN, CONNECT_WITHIN, Command, connection_to, dial, hang_up

QUESTIONS: tuple[Command, ...] = (
    ("INFO", "server"),
    ("INFO", "memory"),
    ("INFO", "persistence"),
    ("CONFIG", "GET", "save"),
)
OLDEST = 7


async def faults_at(place: Place, addresses: Iterable[Address]) -> list[str]:
    """What is wrong with these servers, each with its fix. Raises ``StoreUnavailable`` where one does not answer."""
    faults: list[str] = []
    for host, port in addresses:
        connection = connection_to(place, (host, port))
        try:
            replies = await _answers(connection)
        except AuthenticationError as error:
            faults.append(f"{host}:{port} refuses the sign-in ({error}): check user and password in the URL")
            continue
        except Exception as error:
            raise StoreUnavailable(f"Redis at {host}:{port} does not answer: {error}") from error
        finally:
            await hang_up(connection)
        faults += [f"{host}:{port}: {fault}" for fault in faults_of(replies, durable=place.durable)]
    return faults


async def _answers(connection: Connection) -> list[Reply]:
    replies: list[Reply] = []
    async with asyncio.timeout(CONNECT_WITHIN + COMMAND_WITHIN):
        await dial(connection)
        for question in QUESTIONS:
            await connection.send_packed_command(connection.pack_command(*question), check_health=False)
            try:
                replies.append(await connection.read_response())
            except ResponseError as error:
                replies.append(error)
    return replies


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
