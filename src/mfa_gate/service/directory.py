"""Ask the host's directory for the people of a tenant."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from inspect import isawaitable

from ..core.model import Contacts, Subject
from ..ports import DirectoryOf

log = logging.getLogger("mfa_gate")

DIRECTORY_TIMEOUT = 10.0


async def people_of(directory: DirectoryOf | None, tenant: str) -> tuple[tuple[Subject, Contacts], ...] | None:
    """List the people whom the host knows in a tenant.

    Returns None without a directory, or if it does not answer well within ten seconds. The log then says why.
    """
    if directory is None:
        return None
    try:
        async with asyncio.timeout(DIRECTORY_TIMEOUT):
            answer = directory(tenant)
            if isawaitable(answer):
                people = tuple(await answer)
            elif isinstance(answer, AsyncIterator):
                people = tuple([person async for person in answer])
            else:
                log.error(
                    "directory: it is a plain function, and the gate awaits its answer: write async def directory"
                )
                return None
    except Exception:
        log.exception("the host's directory did not answer for %s", tenant)
        return None
    wrong = next((person for person in people if not _is_person(person)), None)
    if wrong is None:
        return people
    log.error(
        "the host's directory has listed a value of type %s for %s: give pairs of (Subject, Contacts)",
        type(wrong).__name__,
        tenant,
    )
    return None


def _is_person(value: object) -> bool:
    match value:
        case (Subject(), Contacts()):
            return True
    return False
