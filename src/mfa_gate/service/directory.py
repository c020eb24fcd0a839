"""Ask the host's directory for the people of a tenant."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from inspect import isawaitable

from ..core.model import Contacts, Subject
from ..host_faults import misbehaved
from ..ports import DirectoryOf
from .turns import AT_ONCE

log = logging.getLogger("mfa_gate")

DIRECTORY_TIMEOUT = 10.0


Person = tuple[Subject, Contacts]


class NoDirectory(Exception):
    """The error for a directory that is not there, or does not answer well.

    The log has said why.
    """


async def people_of(directory: DirectoryOf | None, tenant: str) -> tuple[Person, ...] | None:
    """List the people whom the host knows in a tenant.

    Returns None without a directory, or if it does not answer well within ten seconds. The log then says why.
    """
    if directory is None:
        return None
    try:
        async with asyncio.timeout(DIRECTORY_TIMEOUT):
            return tuple([person async for piece in pieces_of(directory, tenant) for person in piece])
    except NoDirectory:
        return None
    except TimeoutError:
        log.error("the host's directory did not answer for %s within %d s", tenant, DIRECTORY_TIMEOUT)
        return None


async def pieces_of(directory: DirectoryOf | None, tenant: str) -> AsyncIterator[list[Person]]:
    """Yield the people whom the host knows in a tenant, some hundreds at a time.

    A directory that is an async generator is read as it is consumed, so it may list a hundred thousand people. Each
    piece must come within ten seconds. Raises ``NoDirectory``.
    """
    if directory is None:
        raise NoDirectory
    try:
        people = _answer_of(directory, tenant)
        while True:
            async with asyncio.timeout(DIRECTORY_TIMEOUT):
                piece = [person async for person in _first(people, AT_ONCE)]
            wrong = next((person for person in piece if not _is_person(person)), None)
            if wrong is not None:
                log.error(
                    "the host's directory has listed a value of type %s for %s: give pairs of (Subject, Contacts)",
                    type(wrong).__name__,
                    tenant,
                )
                raise NoDirectory
            if piece:
                yield piece
            if len(piece) < AT_ONCE:
                return
    except NoDirectory:
        raise
    except Exception as error:
        log.exception("the host's directory did not answer for %s", tenant)
        raise NoDirectory from error
    except BaseException as error:
        fault = misbehaved("directory", error)
        log.error("the host's directory did not answer for %s: %s", tenant, fault)
        raise NoDirectory from error


async def _answer_of(directory: DirectoryOf, tenant: str) -> AsyncIterator[Person]:
    answer = directory(tenant)
    if isawaitable(answer):
        for person in await answer:
            yield person
    elif isinstance(answer, AsyncIterator):
        async for person in answer:
            yield person
    else:
        log.error("directory: it is a plain function, and the gate awaits its answer: write async def directory")
        raise NoDirectory


async def _first(people: AsyncIterator[Person], count: int) -> AsyncIterator[Person]:
    """Yield at most ``count`` more, and leave the others where they are."""
    for _ in range(count):
        try:
            yield await anext(people)
        except StopAsyncIteration:
            return


def _is_person(value: object) -> bool:
    match value:
        case (Subject(), Contacts()):
            return True
    return False
