"""The reports about grants, disputes, tickets, and the agreement."""

from __future__ import annotations

from collections.abc import AsyncIterator

from ....core.break_glass import CONFIRM_WITHIN, HOUR
from ....core.messages.letter import N_
from ....core.people_search import PeopleSearch
from ..recent_states import people_in
from .report import Column, Report, Row, Sources

_WHO = (Column("id", N_("ID"), "id"), Column("name", N_("Name")))


async def grants(sources: Sources, tenant: str) -> AsyncIterator[Row]:
    """Yield a row a grant that is asked for or open."""
    engine = sources.engine
    for state in ("open", "asked"):
        async for line in sources.reviews.lines(tenant, PeopleSearch(words={"break_glass": state})):
            grant = (await engine.load(line.key)).grant
            if grant is not None:
                yield {
                    "id": line.id,
                    "name": line.name,
                    "state": state,
                    "asked_by": grant.asked_by,
                    "confirmed_by": grant.confirmed_by,
                    "reason": grant.reason,
                    "ticket": grant.ticket,
                    "hours": grant.life // HOUR,
                    "ends_at": grant.ends_at or grant.asked_at + CONFIRM_WITHIN,
                    "browsers": len(grant.browsers),
                }


async def disputes(sources: Sources, tenant: str) -> AsyncIterator[Row]:
    """Yield a row a person whose factors stay as they are after a dispute."""
    async for line in sources.reviews.lines(tenant, PeopleSearch(words={"disputed": "yes"})):
        page = await sources.engine.store.events(tenant, account=line.id, kind="account.disputed", limit=1)
        for event in page.items:
            yield {
                "id": line.id,
                "name": line.name,
                "said_at": event.at,
                "about": str(event.detail.get("what", "")),
                "ends_at": line.disputed_until,
                "ref": event.id,
            }


async def tickets(sources: Sources, tenant: str) -> AsyncIterator[Row]:
    """Yield a row an enrollment ticket that can be used. Its text is known to nobody here."""
    for key in await people_in(sources.engine, tenant, "ticket"):
        account, now = await sources.engine.load(key), sources.engine.now()
        ticket = account.ticket
        if ticket is not None and ticket.expires_at > now:
            yield {
                "id": key.id,
                "name": account.name,
                "given_by": ticket.actor,
                "ends_at": ticket.expires_at,
                "ref": ticket.ref,
            }


async def agreements(sources: Sources, tenant: str) -> AsyncIterator[Row]:
    """Yield a row a person with the version that they accepted last, by id."""
    rules = sources.engine.rules(tenant).agreement
    async for line in sources.reviews.lines(tenant, PeopleSearch(words={})):
        accepted = (await sources.engine.load(line.key)).acceptances if line.agreement else ()
        latest = max(accepted, key=lambda one: one.at, default=None)
        yield {
            "id": line.id,
            "name": line.name,
            "agreement": latest.agreement if latest else "",
            "version": latest.version if latest else "",
            "accepted_at": latest.at if latest else 0,
            "state": "none" if latest is None else "current" if rules and latest.version == rules.version else "older",
        }


GRANTS = Report(
    name="grants",
    title=N_("Emergency access"),
    about=N_("Emergency access that is requested or open, with its end and its use."),
    right="look",
    columns=(
        *_WHO,
        Column("state", N_("State"), "measure"),
        Column("asked_by", N_("Requested by")),
        Column("confirmed_by", N_("Confirmed by")),
        Column("reason", N_("Reason")),
        Column("ticket", N_("Ticket number")),
        Column("hours", N_("Hours"), "number"),
        Column("ends_at", N_("Ends"), "time"),
        Column("browsers", N_("Used in browsers"), "number"),
    ),
    rows=grants,
)
DISPUTES = Report(
    name="disputes",
    title=N_("Disputes"),
    about=N_("People who said that something was not them. Their sign-in methods stay as they are until then."),
    right="audit",
    columns=(
        *_WHO,
        Column("said_at", N_("When"), "time"),
        Column("about", N_("About"), "event"),
        Column("ends_at", N_("Ends"), "time"),
        Column("ref", N_("Reference")),
    ),
    rows=disputes,
)
TICKETS = Report(
    name="tickets",
    title=N_("Set-up codes"),
    about=N_("Set-up codes that can still be used."),
    right="look",
    columns=(
        *_WHO,
        Column("given_by", N_("Given by")),
        Column("ends_at", N_("Ends"), "time"),
        Column("ref", N_("Reference")),
    ),
    rows=tickets,
)
AGREEMENTS = Report(
    name="agreements",
    title=N_("Agreements"),
    about=N_("The version of the agreement that each person accepted last."),
    right="look",
    columns=(
        *_WHO,
        Column("agreement", N_("Agreement")),
        Column("version", N_("Version")),
        Column("accepted_at", N_("Accepted"), "time"),
        Column("state", N_("State"), "measure"),
    ),
    rows=agreements,
)
