"""Writing records into accounts: each once, however often it is tried, and each with its event."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from ..core.changes import Change, keep
from ..core.changes.enrolling import free_label
from ..core.entropy import draw_id
from ..core.model import MAX_AUTHENTICATORS, Account, Authenticator, Caller, Subject, SubjectKey
from ..factors.base import Context
from ..factors.totp import Totp
from ..service import Service
from .records import Record, Unusable

KIND = Totp.traits.kind


@dataclass(slots=True)
class Report:
    """What became of the lines. ``present`` had been brought before; ``short`` were taken with fewer bits than 128."""

    read: int = 0
    imported: int = 0
    present: int = 0
    short: list[Record] = field(default_factory=list)
    refused: list[Unusable] = field(default_factory=list)
    tenants: Counter[str] = field(default_factory=Counter)


async def bring(
    found: Iterable[Record | Unusable],
    service: Service | None,
    *,
    actor: str,
    reason: str,
    is_dry: bool,
    step: Callable[[], None] = lambda: None,
) -> Report:
    """Bring every record into its account. ``is_dry``: count only; then ``service`` may be None, and what is there already
    is not known. Run again after a stop it passes over what it has brought. Raises ``StoreUnavailable``."""
    report, seen = Report(), dict[str, tuple[str, str]]()
    for record in found:
        step()
        report.read += 1
        refused = record if isinstance(record, Unusable) else _twice(record, seen) or _forbidden(record, service)
        if isinstance(record, Unusable) or refused is not None:
            report.refused += [refused] if refused is not None else []
            continue
        outcome = await _one(record, service, actor=actor, reason=reason, is_dry=is_dry) if service else "imported"
        if outcome == "too_many":
            text = f"there are {MAX_AUTHENTICATORS} authenticators already"
            report.refused.append(Unusable(line=record.line, reason=outcome, text=text, user=record.user))
            continue
        report.short += [record] if record.is_short else []
        report.present += outcome == "present"
        report.imported += outcome == "imported"
        report.tenants[record.tenant] += outcome == "imported"
    if service is not None and not is_dry:
        for tenant, count in report.tenants.items():
            moment = service.engine.moment(actor=actor)
            event = moment.event("store.imported", SubjectKey(tenant, ""), reason=reason, accounts=count)
            await service.engine.record((event,) if count else ())
    return report


def _twice(record: Record, seen: dict[str, tuple[str, str]]) -> Unusable | None:
    """A secret that came before: a double line, or one that two people would share."""
    digest = hashlib.sha256(record.secret).hexdigest()
    mine = (record.tenant, record.user)
    first = seen.setdefault(digest, mine)
    if first is mine:
        return None
    reason, text = (
        ("duplicate", "this app was listed before") if first == mine else ("shared", "another user has this secret")
    )
    return Unusable(line=record.line, reason=reason, text=text, user=record.user)


def _forbidden(record: Record, service: Service | None) -> Unusable | None:
    """An app in a tenant whose policy has none could never be used."""
    if service is None or KIND in service.engine.rules(record.tenant).factors.allowed:
        return None
    text = f"the policy of tenant {record.tenant!r} does not allow {KIND}"
    return Unusable(line=record.line, reason="not_allowed", text=text, user=record.user)


async def _one(record: Record, service: Service, *, actor: str, reason: str, is_dry: bool) -> str:
    engine, part = service.engine, Totp()
    subject = Subject(record.user, record.tenant)
    caller = Caller(subject=subject, handle="", network="")
    rules, moment = engine.rules(record.tenant), engine.moment(actor=actor)
    before = await engine.store.load(subject.key)
    context = service.issuing.context(caller, rules, purpose="enroll", account=before)
    draft = part.adopt(context, secret=record.secret, digits=record.digits, period=record.period, step=record.step)

    def step(account: Account) -> Change[str]:
        if _holds(account, context, record.secret):
            return keep(account, "present")
        if len(account.authenticators) >= MAX_AUTHENTICATORS:
            return keep(account, "too_many")
        mine = Authenticator(
            id=draw_id(moment.nonce, "authenticator"),
            factor=KIND,
            label=free_label(account, record.label or draft.label),
            created_at=moment.now,
            data=draft.data,
        )
        event = moment.event(
            "factor.enrolled", account.key, factor=KIND, reason=reason, authenticator=mine.id, by="import"
        )
        changed = replace(
            account,
            authenticators=(*account.authenticators, mine),
            default=account.default or mine.id,
            seen_at=max(account.seen_at, moment.now),
        )
        return Change(account=changed, events=(event,), answer="imported")

    return step(before).answer if is_dry else await engine.change(subject.key, step)


def _holds(account: Account, context: Context, secret: bytes) -> bool:
    """Whether one of the account's apps has this secret. Raises ``keyring.Unopened`` where one cannot be read."""
    apps = [item for item in account.authenticators if item.factor == KIND]
    return any(Totp().has_secret(context, item.data, secret=secret) for item in apps)
