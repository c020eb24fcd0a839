"""The top of every page of the desk."""

from __future__ import annotations

from dataclasses import dataclass

from ...core.roles import Right


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The tenant, the other tenants that may be chosen, and the rights of the actor.

    ``place`` is the page. ``query`` names the tenant where it is not the actor's own.
    """

    tenant: str
    tenants: tuple[str, ...] = ()
    rights: tuple[Right, ...] = ()
    place: str = ""
    query: str = ""

    @property
    def more(self) -> str:
        """Return what a query begins with that goes on: ``?tenant=…&`` or ``?``."""
        return f"{self.query}&" if self.query else "?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip:
    """A fresh set-up code on a slip to print.

    ``url`` is the page where it is entered, "" where we do not know our address. It ends at ``ends_at`` (UTC seconds).
    """

    id: str
    name: str
    code: str
    ends_at: int
    url: str = ""
