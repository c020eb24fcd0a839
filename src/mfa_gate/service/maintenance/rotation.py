"""Seal every value anew under the newest key, and report the need for older keys."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from ...core.changes import Change
from ...core.events import Event
from ...core.model import Account, Authenticator, Caller, Enrollment, Fields, Subject, SubjectKey
from ...errors import DamagedAccount
from ...factors import Registry
from ...factors.base import Context, Factor
from ...factors.optional_parts import Approves
from ...keyring import Keyring, Unopened
from .. import Service
from ..store_checks import drop_canaries

T = TypeVar("T", Authenticator, Enrollment)

PAGE = 500
ROTATED = "keys.rotated"
LEAST = 20
"""The least number of characters of a digest. A shorter text that begins like a key's id is no digest."""


@dataclass(slots=True)
class Tally:
    """The counts of a rotation.

    ``lost`` lists values that no listed key opens. ``failed`` lists accounts that could not be read, with the reason.
    ``left`` counts, by kind, the accounts with a value that needs an older key and cannot be sealed anew here:
    digests, whose source nobody knows, and the tokens of phones.
    """

    accounts: int = 0
    resealed: int = 0
    lost: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    left: Counter[str] = field(default_factory=Counter)
    tenants: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result for one account."""

    after: Account
    changed: bool
    lost: tuple[str, ...]


async def rotate_keys(service: Service, *, actor: str, reason: str, step: Callable[[], None] = lambda: None) -> Tally:
    """Seal every account of the store anew, a page at a time.

    Calls ``step`` after each account. It can be stopped and started again: a finished account is skipped. Each tenant
    with a changed account gets an event with the first one, so that no killed rotation goes unseen, and one with the number
    at the end. Both have ``actor`` and ``reason``. Raises ``StoreUnavailable``.
    """
    engine, tally = service.engine, Tally()
    async for key in every_key(service):
        try:
            begun = None
            if key.tenant not in tally.tenants:
                moment = engine.moment(actor=actor)
                begun = moment.event(ROTATED, SubjectKey(key.tenant, ""), reason=reason, newest=engine.keyring.newest)
            _count(tally, key, await _one(service, key, begun), engine.keyring, engine.factors)
        except DamagedAccount as error:
            tally.accounts += 1
            tally.failed.append(str(error))
        step()
    for tenant, count in tally.tenants.items():
        moment = engine.moment(actor=actor)
        event = moment.event(ROTATED, SubjectKey(tenant, ""), reason=reason, accounts=count)
        await engine.record((event,))
    if not tally.lost:
        await drop_canaries(engine.store, engine.keyring)
    return tally


async def every_key(service: Service) -> AsyncGenerator[SubjectKey, None]:
    """Yield the key of every account of the store, in order."""
    after: SubjectKey | None = None
    while page := await service.engine.store.keys(after=after, limit=PAGE):
        for key in page:
            yield key
        after = page[-1]


def context_of(service: Service, account: Account) -> Context:
    """Make the context that opens the values of an account.

    Every account has one, even with a tenant or id that is not valid any more: its key does not come from a subject.
    """
    caller = Caller(subject=Subject("anybody", "default"), handle="", network="")
    rules = service.engine.rules(account.key.tenant)
    drawn = service.challenges.context(caller, rules, purpose="enroll", account=account)
    return replace(drawn, key=account.key)


async def _one(service: Service, key: SubjectKey, begun: Event | None) -> Outcome:
    """Seal one account anew, together with the line ``begun`` if something of it changes."""
    engine = service.engine
    nonce = secrets.token_bytes(32)

    def step(account: Account) -> Change[Outcome]:
        context = replace(context_of(service, account), nonce=nonce)
        lost: list[str] = []
        fresh = replace(
            account,
            authenticators=tuple(_anew(engine.factors, context, item, lost) for item in account.authenticators),
            enrollments=tuple(_anew(engine.factors, context, item, lost) for item in account.enrollments),
            replaced=tuple(_anew(engine.factors, context, item, lost) for item in account.replaced),
            recovery=service.slow_recovery.sealed_anew(context, account.recovery),
        )
        is_changed = fresh != account
        events = (begun,) if begun is not None and is_changed else ()
        return Change(account=fresh, events=events, answer=Outcome(fresh, is_changed, tuple(lost)))

    return await engine.change(key, step)


def _anew(factors: Registry, context: Context, item: T, lost: list[str]) -> T:
    part = factors.get(item.factor)
    if part is None:
        return item
    try:
        data = _reseal(context, part, item.data)
    except Unopened:
        lost.append(f"{item.factor} {item.id}")
        return item
    return item if data is item.data else replace(item, data=data)


def _reseal(context: Context, factor: Factor, data: Fields) -> Fields:
    """Seal everything in ``data`` anew under the newest key.

    Returns the same object where it is so already. Raises ``Unopened`` for a text that no listed key opens.
    """
    keyring, row = context.keyring, (context.key.tenant, context.key.id)
    fresh: dict[str, object] = {}
    for name, purpose in factor.sealed.items():
        old = data.get(name)
        if not isinstance(old, str) or keyring.key_of(old) == keyring.newest:
            continue
        plain = keyring.open(purpose, old, row=row)
        # The nonce hangs on what was sealed: a swap that is repeated over other data never uses it twice.
        fresh[name] = keyring.seal(purpose, plain, row=row, nonce=context.draw(f"reseal/{purpose}/{old}", 12))
    return {**data, **fresh} if fresh else data


def _count(tally: Tally, key: SubjectKey, outcome: Outcome, keyring: Keyring, factors: Registry) -> None:
    tally.accounts += 1
    if outcome.changed:
        tally.resealed += 1
        tally.tenants[key.tenant] += 1
    tally.lost += [f"{key}: {what}" for what in outcome.lost]
    older = {kind for kind, text in _digests(outcome.after, factors) if _is_older(text, keyring)}
    if len(keyring.ids) > 1:
        older |= {kind for kind, key_id in _token_keys(outcome.after, factors) if key_id != keyring.newest}
    tally.left.update(older)


def _digests(account: Account, factors: Registry) -> Iterator[tuple[str, str]]:
    """Yield every text that no factor declares as sealed, with its kind."""
    for item in account.authenticators:
        sealed = factors[item.factor].sealed if item.factor in factors else {}
        for name, value in item.data.items():
            if name not in sealed:
                yield from ((item.factor, text) for text in _texts(value))
    if account.ticket is not None:
        yield "ticket", account.ticket.digest


def _token_keys(account: Account, factors: Registry) -> Iterator[tuple[str, str]]:
    """List the ids of the keys of phones' tokens.

    Only the phone can have its token sealed anew.
    """
    for item in account.authenticators:
        part = factors.get(item.factor)
        if isinstance(part, Approves):
            yield item.factor, part.key_id_of(item.data)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part)


def _is_older(text: str, keyring: Keyring) -> bool:
    return len(text) >= LEAST and keyring.key_of(text) in keyring.ids[1:]
