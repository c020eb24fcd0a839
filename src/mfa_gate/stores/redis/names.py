"""The names of the keys in Redis.

All keys of a tenant share one hash tag, so they lie on one server and one script can change them together.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import quote

from ...core.events import Event

PREFIX = "mfa_gate:"
STORE = PREFIX + "{store}:id"
TENANTS = PREFIX + "{store}:tenants"
REPORTED = PREFIX + "{store}:reported"
"""The tenants that have had records of report-only."""
NOTE_ENDS = PREFIX + "{store}:ends"
"""The names of small values that are needed for some time only, by their end."""
RESTORED = PREFIX + "{store}:restored"
"""The time when an operator last accepted an older copy (UTC seconds). Each tenant's head has it as well."""


@lru_cache(maxsize=1024)
def keys_of(tenant: str) -> TenantKeys:
    """Return the keys of a tenant."""
    return TenantKeys(tenant)


class TenantKeys:
    """The keys of one tenant.

    The hash tag is quoted, so no tenant's name can end it or be taken for another tenant's.
    """

    __slots__ = ("_base", "head", "ids", "lines", "named_before", "names", "places", "report", "trail")

    def __init__(self, tenant: str) -> None:
        self._base = f"{PREFIX}{{t{quote(tenant, safe='')}}}:"
        self.head = self._base + "head"
        self.ids = self._base + "ids"
        self.lines = self._base + "lines"
        self.names = self._base + "few"
        self.named_before = self._base + "names"
        self.places = self._base + "places"
        self.report = self._base + "report"
        self.trail = self._base + "trail"

    def copy(self, name: str) -> str:
        """Name the key of a copy of the trail that is being made."""
        return f"{self._base}trail~{name}"

    def account(self, id: str) -> str:
        """Name the key of an account: version, operation, checksum and body."""
        return f"{self._base}a:{id}"

    def bits(self, number: int) -> str:
        """Name a key of the bits of the index of names."""
        return f"{self.names}~{number}"

    def status(self, status: str) -> str:
        """Name the key of the ids of the accounts with a status."""
        return f"{self._base}s:{status}"

    def events_of_account(self, account: str) -> str:
        """Name the key of the stamps of an account's events."""
        return f"{self._base}ea:{account}"

    def events_of_kind(self, kind: str) -> str:
        """Name the key of the stamps of the events of one kind."""
        return f"{self._base}ek:{kind}"

    def indexes(self, events: Sequence[Event]) -> list[str]:
        """List the index keys of events, two for each event."""
        return [
            key for event in events for key in (self.events_of_account(event.account), self.events_of_kind(event.kind))
        ]


def claim_key(name: str) -> str:
    """Name the key that holds the owner of ``name``."""
    return f"{PREFIX}c:{_tagged(name)}"


def mark_key(name: str) -> str:
    """Name the key of the ids that are remembered under ``name``."""
    return f"{PREFIX}w:{_tagged(name)}"


def bucket_key(bucket: str) -> str:
    """Name the key of a limit's bucket."""
    return f"{PREFIX}l:{_tagged(bucket)}"


def meta_key(name: str) -> str:
    """Name the key of a small value."""
    return f"{PREFIX}m:{_tagged(name)}"


def _tagged(name: str) -> str:
    return quote(name, safe="@.:/+=")
