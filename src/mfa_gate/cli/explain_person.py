"""Answer ``policy explain --account``: a request of a real person of the store."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..core.durations import format_duration
from ..core.model import SubjectKey
from ..core.reasons import Refusal
from ..core.rules import Policy
from ..service.what_if import ASSUMED
from ..web.responses import stamp
from .application import WrongUse
from .context import key_of, service_of
from .policy_args import policy_of

if TYPE_CHECKING:
    from ..core.policy import Demand
    from ..service.what_if import Answer


def add_person(parser: argparse.ArgumentParser) -> None:
    """Add the options that name a real person, and the store."""
    parser.add_argument("--account", metavar="ID", help="a real person, read from the store")
    parser.add_argument("--address", default="", metavar="IP", help="with --account: the address of the request")
    parser.add_argument(
        "--browser",
        default="",
        metavar="ID",
        help='with --account: one of their browsers, or "new"; default: the latest',
    )
    parser.add_argument("--store", metavar="URL", help="with --account: the store (MFA_GATE_STORE)")
    parser.add_argument("--keys-file", metavar="FILE", help="with --account: the keys (MFA_GATE_KEYS_FILE)")


def explain_person(args: argparse.Namespace, endpoint: tuple[Demand, ...], sign_out: str) -> Answer:
    """Ask the store. Returns the answer.

    Raises ``WrongUse`` for a question that means nothing, ``SettingsError`` for a store that cannot be opened.
    """
    args.id = args.account
    args.loaded_policy = policy_of(args)
    answer = asyncio.run(_asked(args, key_of(args), endpoint, sign_out))
    if isinstance(answer, Refusal):
        from .refusals import text_of

        raise WrongUse(text_of(answer))
    return answer


async def _asked(
    args: argparse.Namespace, key: SubjectKey, endpoint: tuple[Demand, ...], sign_out: str
) -> Answer | Refusal:
    from ..service import Actor
    from ..service.what_if import Question

    async with service_of(args) as service:
        question = Question(
            key=key,
            request=args.request,
            groups=frozenset(args.groups) or await _groups_at_host(args, key),
            address=args.address,
            browser=args.browser,
            at=args.at,
            endpoint=endpoint,
            sign_out=sign_out,
        )
        try:
            return await service.what_if.ask(Actor(name="operator"), question)
        except ValueError as error:
            raise WrongUse(str(error)) from None


async def _groups_at_host(args: argparse.Namespace, key: SubjectKey) -> frozenset[str]:
    """Ask the directory of the app's gate for the groups of a person; none without ``--app``."""
    from ..service.directory import people_of
    from .factors import gate_for

    gate = gate_for(args)
    if gate is None:
        return frozenset()
    people = await people_of(gate.service.engine.wiring.directory, key.tenant) or ()
    return next((subject.groups for subject, _ in people if subject.key == key), frozenset())


def person_lines(answer: Answer) -> Iterator[tuple[str, str]]:
    """Tell the facts of the person that the decision was made from, as name and value."""
    document, outcome, settings = answer.document, answer.outcome, answer.settings
    now = outcome.now
    key = document.key
    yield "person", f"{key}" if answer.is_known else f"{key}, whom the store does not know yet"
    yield "groups", ", ".join(sorted(outcome.facts.groups)) or "-"
    usable = outcome.requirement.factors
    mine = [
        f"{a.factor} ({a.label})" + ("" if a.factor in usable else ", not allowed") for a in document.authenticators
    ]
    yield "factors", "; ".join(mine) or "none"
    for proof in answer.proofs:
        age = format_duration(max(0, now - proof.at))
        here = "counts here" if proof.counts else "does not count here"
        yield (
            "proof",
            f"{proof.factor}, {age} old, from {proof.network or '-'}, in {proof.label or proof.browser}: {here}",
        )
    yield "judged in", answer.browser.label or answer.browser.id if answer.browser else "a new browser"
    yield "network", answer.network or "-"
    if settings.enabled_at:
        yield "tenant", f"turned on by its administrators on {stamp(settings.enabled_at)}"
    if settings.factors:
        yield "picked", f"the administrators picked {', '.join(settings.factors)}"
    yield "attempts", f"{document.attempts_used} of {document.attempts_max} used"
    if document.lock is not None:
        yield "lock", f"since {stamp(document.lock.at)}, cause: {document.lock.cause}, ref {document.lock.ref}"
    if document.grant is not None:
        ends = f"until {stamp(document.grant.ends_at)}" if document.grant.ends_at else "waits for a second person"
        yield "break-glass", f"{ends}, ref {document.grant.ref}"
    if document.recovery is not None:
        opens = f", opens by itself at {stamp(document.recovery.opens_at)}" if document.recovery.opens_at else ""
        since = stamp(document.recovery.at)
        yield "recovery", f"a request for help waits since {since}, ref {document.recovery.ref}{opens}"
    for word in answer.assumed:
        yield "assumed", ASSUMED[word]


def person_json(answer: Answer) -> dict[str, Any]:
    """Write the facts of the person as a document."""
    document = answer.document
    return {
        "id": document.key.id,
        "tenant": document.key.tenant,
        "known": answer.is_known,
        "groups": sorted(answer.outcome.facts.groups),
        "authenticators": [{"id": a.id, "factor": a.factor, "label": a.label} for a in document.authenticators],
        "proofs": [
            {
                "browser": p.browser,
                "factor": p.factor,
                "at": stamp(p.at),
                "network": p.network,
                "ends_at": stamp(p.ends_at),
                "counts": p.counts,
            }
            for p in answer.proofs
        ],
        "browser": answer.browser.id if answer.browser else None,
        "network": answer.network,
        "picked": list(answer.settings.factors),
        "enabled": bool(answer.settings.enabled_at),
        "attempts_used": document.attempts_used,
        "locked": {"at": stamp(document.lock.at), "cause": document.lock.cause} if document.lock else None,
        "break_glass": document.grant.ref if document.grant else None,
        "assumed": [ASSUMED[word] for word in answer.assumed],
    }


def notes_on(policy: Policy, tenant: str, request: str, args: argparse.Namespace) -> list[str]:
    """List remarks on the question: an unnamed tenant, a page that no rule reaches."""
    from ..core.rules import path_in
    from ..policyfile.faults import nearest
    from .factors import prefix_of

    found = []
    if policy.tenants and tenant not in policy.tenants:
        hint = nearest(tenant, policy.tenants)
        found.append(f'the file has no section for the tenant "{tenant}": it has the rules of the file{hint}')
    path, prefix = path_in(request.partition(" ")[2]), prefix_of(args)
    if path == prefix or path.startswith(prefix + "/"):
        found.append(
            f"{prefix} has the gate's own pages, which it judges by itself: no rule of the policy reaches them"
        )
    return found
