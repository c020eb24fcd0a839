"""Check that a Redis server is fit: rights, version, eviction, persistence (S-112)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from redis.asyncio.connection import Connection
from redis.exceptions import AuthenticationError, ResponseError

from ...errors import StoreUnavailable
from .names import PREFIX, STORE
from .pipeline import Command, connection_to, hang_up
from .resp import Reply, fields_of
from .rights import fault_of_rights, question_of_rights
from .timing import Timing
from .url import Address, Place

QUESTIONS: tuple[Command, ...] = (
    ("INFO", "server"),
    ("INFO", "memory"),
    ("INFO", "persistence"),
    ("CONFIG", "GET", "save"),
)
OLDEST = 7
_SCANS = 20


async def faults_at(place: Place, addresses: Iterable[Address], *, rights: bool = False) -> list[str]:
    """List the faults of these servers, each with its fix.

    ``rights``: a right that the user lacks is a fault as well. Raises ``StoreUnavailable`` if a server does not answer. A
    refused sign-in is a fault.
    """
    faults: list[str] = []
    questions = [*QUESTIONS, question_of_rights(replicas=place.replicas)] if rights else QUESTIONS
    for host, port in addresses:
        connection = connection_to(place, (host, port))
        try:
            replies = await _answers(connection, questions, place.timing)
        except AuthenticationError as error:
            faults.append(f"{host}:{port} refuses the sign-in ({error}): check user and password in the URL")
            continue
        except Exception as error:
            raise StoreUnavailable(f"Redis at {host}:{port} does not answer: {error}") from error
        finally:
            await hang_up(connection)
        fault = fault_of_rights(replies.pop(), place.username) if rights else ""
        found = [fault] if fault else faults_of(replies, durable=place.durable)
        faults += [f"{host}:{port}: {fault}" for fault in found]
    return faults


@dataclass(frozen=True, slots=True)
class Remains:
    """Names of a store's keys that lie there without its id, and of databases with a store."""

    keys: tuple[str, ...]
    databases: tuple[str, ...]


async def remains_at(place: Place, addresses: Iterable[Address]) -> Remains:
    """Look for remains of an earlier store on these servers.

    Raises ``StoreUnavailable`` if a server does not answer.
    """
    keys: list[str] = []
    databases: list[str] = []
    for host, port in addresses:
        connection = connection_to(place, (host, port))
        try:
            async with asyncio.timeout(place.timing.reach_within):
                keys += await _keys_of_a_store(connection)
                if place.kind != "cluster":
                    databases += await _databases_with_a_store(connection, place)
        except Exception as error:
            raise StoreUnavailable(f"Redis at {host}:{port} does not answer: {error}") from error
        finally:
            await hang_up(connection)
    return Remains(tuple(keys), tuple(databases))


async def _keys_of_a_store(connection: Connection) -> list[str]:
    cursor = "0"
    for _ in range(_SCANS):
        (reply,) = await _answers_to(connection, [("SCAN", cursor, "MATCH", f"{PREFIX}*", "COUNT", 1000)])
        if isinstance(reply, ResponseError):
            raise reply
        cursor, found = reply[0].decode(), [key.decode(errors="replace") for key in reply[1]]
        if kept := [key for key in found if not key.startswith(f"{PREFIX}l:")]:
            return kept
        if cursor == "0":
            break
    return []


async def _databases_with_a_store(connection: Connection, place: Place) -> list[str]:
    (reply,) = await _answers_to(connection, [("INFO", "keyspace")])
    found: list[str] = []
    for name in fields_of(reply):
        number = name.removeprefix("db")
        if number != str(place.database):
            selected, store = await _answers_to(connection, [("SELECT", number), ("GET", STORE)])
            if selected == b"OK" and isinstance(store, bytes):
                found.append(number)
    return found


async def _answers(connection: Connection, questions: Iterable[Command], timing: Timing) -> list[Reply]:
    async with asyncio.timeout(timing.reach_within):
        return await _answers_to(connection, questions)


async def _answers_to(connection: Connection, questions: Iterable[Command]) -> list[Reply]:
    replies: list[Reply] = []
    for question in questions:
        await connection.send_packed_command(connection.pack_command(*question), check_health=False)
        try:
            replies.append(await connection.read_response())
        except ResponseError as error:
            replies.append(error)
    return replies


def faults_of(replies: list[Reply], *, durable: bool) -> list[str]:
    """List the faults that these replies to ``QUESTIONS`` show, each with its fix.

    ``durable`` asks for data on disk as well.
    """
    if refused := next((reply for reply in replies[:3] if isinstance(reply, ResponseError)), None):
        return [f"INFO is refused ({refused}), so nobody can tell if its data is safe: give this user the right"]
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
