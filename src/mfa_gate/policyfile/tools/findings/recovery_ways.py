"""Find people without a way back, and rights that nobody holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ....core.durations import format_duration
from ....core.roles import RIGHTS
from ....core.rules import DAY
from ...checks import factors_besides_backup
from ...faults import listed
from .remark import Look, Remark

UNHELD = {
    "look": "no group may see accounts: nobody can help a person from the desk",
    "unlock": "no group may unlock: a locked person waits for the operator's command line",
    "reset": "no group may reset accounts or give tickets: a person without factors waits for the operator's command line",
    "tenant": "no group may turn the tenant on or choose its factors",
    "audit": "no group may read the audit trail",
    "policy": "a looser policy waits for approvals, and no group may approve: it waits for the operator's command line",
}
"""The consequence where no group has a right."""


def _rights(look: Look) -> Iterator[Remark]:
    roles = look.rules.roles
    for right in RIGHTS:
        is_used = right != "policy" or look.policy.base.change.looser == "approve"
        if is_used and not getattr(roles, right):
            text = UNHELD[right]
            if right == "tenant" and look.rules.enrollment.stage == "admin":
                text = "no group may turn it on, and the stage waits for that"
            yield Remark("warning", ("roles", right), text, "name a group of your administrators")
    if not roles.privileged:
        text = "no group may administer people who hold rights: they wait for the operator's command line"
        yield Remark("warning", ("roles", "privileged"), text, "name a group that two people or more are in")
    held = {group for right in RIGHTS for group in getattr(roles, right)}
    idle = [group for group in roles.everywhere if group not in held]
    if idle:
        text = f"{listed(idle)} may act in every tenant and has no right to do anything there"
        yield Remark("warning", ("roles", "everywhere"), text, "give the group a right, or take it out")


def _tickets(look: Look) -> Iterator[Remark]:
    if look.rules.enrollment.first == "ticket" and not look.rules.roles.reset:
        text = "a first enrollment needs a ticket, and no group may give one (roles.reset is empty)"
        yield Remark(
            "warning", ("enrollment", "first"), text, 'name a group in roles.reset, or write first = "contact"'
        )


def _ways(look: Look) -> Iterator[Remark]:
    rules, path = look.rules, ("recovery", "ways")
    ways, alone = rules.recovery.ways, factors_besides_backup(look.rules, look.traits)
    if not ways:
        text = "there is no way back: who loses every factor can ask nobody on the pages"
        yield Remark("warning", path, text, 'add "request" or another way')
    codes = [way for way in ways if way in look.traits and way not in rules.factors.allowed]
    if codes and look.written("recovery", "ways"):
        text = f"{listed(codes)} is offered, and factors.allowed does not have it: nobody has any"
        yield Remark("warning", path, text, "allow it in factors.allowed, or take it out here")
    if "other-factor" in ways and len(alone) < 2 and look.written("recovery", "ways"):
        text = f'"other-factor" is offered, and {listed(alone)} is the only factor there is'
        yield Remark("warning", path, text, "allow a second factor, or take it out here")
    if "request" in ways and not rules.roles.reset:
        text = '"request" asks the administrators, and no group may answer (roles.reset is empty)'
        yield Remark("warning", path, text, "name a group in roles.reset, or take it out here")
    if rules.recovery.hold and "request" not in ways and not rules.recovery.self_service:
        text = 'only requests wait, and recovery.ways has no "request"; it has no effect'
        yield Remark("warning", ("recovery", "hold"), text, 'take it out, or add "request" to recovery.ways')


def _self_service(look: Look) -> Iterator[Remark]:
    """Find a recovery without a person to answer that is opened too easily, or never."""
    wait, first, path = look.rules.recovery.self_service, look.rules.enrollment.first, ("recovery", "self_service")
    if not wait:
        return
    if first == "open":
        text = 'after the wait the password alone opens a first enrollment, because enrollment.first is "open"'
        yield Remark("warning", path, text, 'write enrollment.first = "contact", or take it out')
    if first == "ticket":
        text = 'after the wait an administrator must still give a ticket, because enrollment.first is "ticket"'
        yield Remark("warning", path, text, "take it out: a request that an administrator answers is quicker")
    if wait < DAY:
        text = f'"{format_duration(wait)}" is short: people who read no message in that time cannot stop a thief'
        yield Remark("warning", path, text, 'write "3d" or more')


def _choice(look: Look) -> Iterator[Remark]:
    if look.rules.factors.choice == "tenant" and not look.rules.roles.tenant:
        text = "the administrator is to pick, and no group may do so (roles.tenant is empty)"
        yield Remark("warning", ("factors", "choice"), text, 'name a group in roles.tenant, or write choice = "user"')


ALL: tuple[Callable[[Look], Iterator[Remark]], ...] = (_rights, _tickets, _ways, _self_service, _choice)

assert set(UNHELD) == set(RIGHTS), "each right says what its absence means"
