"""The values of the top of every page of the desk."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The top of every page of the desk.

    It has the tenant, the other tenants that may be chosen, and the rights of the actor.
    """

    tenant: str
    tenants: tuple[str, ...] = ()
    rights: tuple[str, ...] = ()
    place: str = ""
    query: str = ""
