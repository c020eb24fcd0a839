"""Write the stored documents and read them back.

A document that cannot be read whole is an outage, never an empty account.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Sequence

from ...core.codec import NewerDocument, UnreadableAccount, decode
from ...core.events import Event
from ...core.model import Account, SubjectKey
from ...core.summary import STATUSES, Summary
from ...core.trail import LAST_SECOND, event_from_trail
from ...errors import DamagedAccount, NewerAccount

log = logging.getLogger("mfa_gate")

SWEPT_AFTER = 3_600
"""Seconds after its end for which a taken place is kept: a clock that runs ahead for a while gives none back."""


_REPAIR = (
    "Discard this one account: mfa-gate accounts reset ID --discard --ticket NUMBER (the person enrolls anew); or restore the "
    "whole store from a copy"
)
_NEWER = (
    "was written by a newer release of mfa_gate, and is as it should be: start that release again. To go back for good, "
    "restore the copy of the store from before the upgrade"
)


def checksum(key: SubjectKey, version: int, body: bytes) -> int:
    """Compute the checksum of a document, which tells a damaged or misplaced one.

    It protects against no attacker: the keyring does.
    """
    return zlib.crc32(f"{key.tenant}\0{key.id}\0{version}\0".encode(), zlib.crc32(body))


def account_from(key: SubjectKey, version: int, body: bytes, check: int) -> Account:
    """Read a stored account.

    Raises ``DamagedAccount`` if the document is damaged, and ``NewerAccount`` if a newer release wrote it.
    """
    try:
        if check == checksum(key, version, body):
            return decode(key, version, body)
        text = "is damaged"
    except NewerDocument as error:
        raise NewerAccount(f"the account {key} in the store {_NEWER} ({error})", version=version) from error
    except (UnreadableAccount, TypeError) as error:
        text = f"cannot be read ({error})"
    raise DamagedAccount(f"the account {key} in the store {text}. {_REPAIR}", version=version)


def event_from(tenant: str, place: str | int, line: str | bytes) -> Event:
    """Read the event at ``place`` of the tenant's trail.

    A damaged line gives an event of the kind ``UNREADABLE``.
    """
    return event_from_trail(line, tenant=tenant, place=str(place))


def parts_found_by(event: Event) -> tuple[str, str, str, str, int]:
    """List the parts of an event that stores keep beside its line, to find it by them."""
    return (event.id, event.tenant, event.account, event.kind, event.at)


SEARCHED = {"address": ("address", "network"), "browser": ("browser",), "id": ("id",)}
"""The columns that are searched for a part; each has an index of the lines where it is not empty (``schema.py``)."""


def parts_searched(event: Event) -> tuple[str, str, str]:
    """List address, network and browser of an event, by which stores find its line.

    A network that is the address itself is left out: one index finds it.
    """
    return event.address, event.network if event.network != event.address else "", event.browser


def summary_from(key: SubjectKey, parts: Sequence[object]) -> Summary:
    """One line of the roster: name, status, factors and the two times.

    A damaged line is shown with its id alone, and said in the log: it must not hide the others. The account itself is
    what counts, and its next change writes the line anew.
    """
    match list(parts):
        case [str(name), str(status), [*factors], int(locked_at), int(proof_at)] if (
            status in STATUSES
            and all(type(factor) is str for factor in factors)
            and 0 <= locked_at <= LAST_SECOND
            and 0 <= proof_at <= LAST_SECOND
        ):
            kinds = tuple(str(factor) for factor in factors)
            return Summary(
                key=key, name=name, status=status, factors=kinds, locked_at=locked_at, last_proof_at=proof_at
            )
    log.error("the line of %s in the list of people is damaged; the next change of the account writes it anew", key)
    return Summary(key=key, name="?", status="not_enrolled", factors=())


def search_text(summary: Summary) -> str:
    """Join id and name in one case: the text that an administrator's query is looked for in."""
    return f"{summary.key.id}\n{summary.name}".casefold()


def search_word(query: str) -> str:
    """The query in the case of ``search_text``; what no stored text can hold finds nothing."""
    return query.casefold().encode("utf-8", "replace").decode() if query else ""


def cursor_from(after: str) -> int | None:
    """Read the number in an event page's cursor.

    Returns -1 for the first page, None for a cursor that no page gave.
    """
    if not after:
        return -1
    return int(after) if after.isascii() and after.isdecimal() and len(after) <= 18 else None


def wait_for_room(taken: list[tuple[int, int]], *, limit: int, window: int, now: int, more: int = 1) -> int:
    """Compute the seconds until ``more`` fit; 0 is at once.

    ``taken`` lists time and count of what was taken in the window, oldest first. Times ahead of ``now`` count as well: a
    clock that steps back gives nothing away (S-118).
    """
    over = sum(count for _, count in taken) - limit + more
    if limit > 0 and over <= 0:
        return 0
    for at, count in taken if limit >= more else ():
        over -= count
        if over <= 0:
            return max(1, at + window - now)
    return window
