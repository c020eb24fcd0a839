"""Import authenticator apps into accounts, each app once and with its event."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

from ...core.changes import Change, keep
from ...core.changes.enroll import free_label
from ...core.entropy import draw_id
from ...core.model import MAX_AUTHENTICATORS, Account, Authenticator, Caller, Subject, SubjectKey
from ...errors import DamagedAccount
from ...factors.base import Context
from ...factors.totp import Totp
from ...keyring import Unopened
from .. import Service
from .rotation import context_of, every_key
from .totp_records import Record, Unusable

KIND = Totp.traits.kind
PAGE = 500
CLAIM = "app-secret:"
"""The prefix of the claim on an imported secret, by its digest: the secret belongs to one account for good."""
MARK = "app"
"""The detail of an enrollment's event that names the imported secret."""
NOT_TAKEN = {
    "too_many": f"there are {MAX_AUTHENTICATORS} authenticators already",
    "removed": "this app was brought before and was reset or removed since: it must be enrolled anew",
    "unreadable": "this user's account, or an app in it, cannot be read",
    "shared": "another user has this secret, or had it",
}


@dataclass(slots=True)
class Report:
    """The result of an import.

    ``present`` counts apps that were imported before. ``short`` lists those with fewer bits than 128.
    """

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
    """Import every record into its account.

    ``is_dry``: count only. Then ``service`` may be None, and apps that were imported before are not known. A second
    run after a stop skips the imported ones. Raises ``StoreUnavailable``.
    """
    report, seen = Report(), dict[str, tuple[str, str]]()
    found = list(found)
    here = await secrets_in(service) if service is not None and found else {}
    for record in found:
        step()
        report.read += 1
        refused = (
            record
            if isinstance(record, Unusable)
            else _twice(record, seen) or _forbidden(record, service) or _of_others(record, here)
        )
        if isinstance(record, Unusable) or refused is not None:
            report.refused += [refused] if refused is not None else []
            continue
        outcome = "imported"
        if service is not None:
            outcome = await _tried(record, service, actor=actor, reason=reason, is_dry=is_dry)
        if outcome in NOT_TAKEN:
            report.refused.append(Unusable(line=record.line, reason=outcome, text=NOT_TAKEN[outcome], user=record.user))
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
    """Refuse a secret that came before in this import.

    It is a double line, or one that two people would share.
    """
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
    """Refuse an app in a tenant whose policy allows none: it could never be used."""
    if service is None or KIND in service.engine.rules(record.tenant).factors.allowed:
        return None
    text = f"the policy of tenant {record.tenant!r} does not allow {KIND}"
    return Unusable(line=record.line, reason="not_allowed", text=text, user=record.user)


async def secrets_in(service: Service) -> dict[str, SubjectKey]:
    """Map the digest of every app's secret in the store to its owner, if it can be read."""
    found = dict[str, SubjectKey]()
    async for key in every_key(service):
        with suppress(DamagedAccount):
            account = await service.engine.store.load(key)
            found.update(dict.fromkeys(_digests_of(account, service), key))
    return found


def _digests_of(account: Account, service: Service) -> Iterator[str]:
    apps = [item for item in account.authenticators if item.factor == KIND]
    if not apps:
        return
    context = context_of(service, account)
    for item in apps:
        with suppress(Unopened):
            yield digest_of(Totp().secret_of(context, item.data))


def digest_of(secret: bytes) -> str:
    """Digest a secret, to recognize it later. With 80 bits or more, nobody can guess it."""
    return hashlib.sha256(b"mfa_gate app secret\0" + secret).hexdigest()


def _of_others(record: Record, here: Mapping[str, SubjectKey]) -> Unusable | None:
    owner = here.get(digest_of(record.secret))
    if owner is None or owner == SubjectKey(record.tenant, record.user):
        return None
    return Unusable(line=record.line, reason="shared", text=NOT_TAKEN["shared"], user=record.user)


async def _was_here(service: Service, key: SubjectKey, mark: str) -> bool:
    """Tell if this secret was imported into this account before.

    Earlier releases did not record the secret's mark. Then any earlier import into the account counts.
    """
    store, after = service.engine.store, ""
    if await store.marked(CLAIM, [mark]):
        return True
    while True:
        page = await store.events(key.tenant, account=key.id, kind="factor.enrolled", after=after, limit=PAGE)
        brought = [event for event in page.items if event.detail.get("by") == "import"]
        if any(event.detail.get(MARK, mark) == mark for event in brought):
            return True
        after = page.next
        if not after:
            return False


async def _tried(record: Record, service: Service, *, actor: str, reason: str, is_dry: bool) -> str:
    """Import one record. An account that cannot be read does not stop the others."""
    try:
        return await _one(record, service, actor=actor, reason=reason, is_dry=is_dry)
    except (DamagedAccount, Unopened):
        return "unreadable"


async def _one(record: Record, service: Service, *, actor: str, reason: str, is_dry: bool) -> str:
    engine, part = service.engine, Totp()
    subject = Subject(record.user, record.tenant)
    caller = Caller(subject=subject, handle="", network="")
    rules, moment = engine.rules(record.tenant), engine.moment(actor=actor)
    before = await engine.store.load(subject.key)
    context = service.challenges.context(caller, rules, purpose="enroll", account=before)
    digest = digest_of(record.secret)
    mark = hashlib.sha256(f"{subject.key}\n{digest}".encode()).hexdigest()[:32]
    if not _holds(before, context, record.secret):
        if await _was_here(service, subject.key, mark):
            return "removed"
        if not is_dry and not await engine.store.claim(CLAIM + digest, _owner(subject.key)):
            return "shared"
    draft = part.adopt(
        context,
        secret=record.secret,
        digits=record.digits,
        period=record.period,
        step=record.step,
        algorithm=record.algorithm,
    )

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
        told: dict[str, str] = {"authenticator": mine.id, "by": "import", MARK: mark}
        event = replace(moment.event("factor.enrolled", account.key, factor=KIND, reason=reason), detail=told)
        changed = replace(
            account,
            authenticators=(*account.authenticators, mine),
            default=account.default or mine.id,
            seen_at=max(account.seen_at, moment.now),
        )
        return Change(account=changed, events=(event,), answer="imported")

    if is_dry:
        return step(before).answer
    answer = await engine.change(subject.key, step)
    if answer in ("imported", "present"):
        # The event in the trail says the same. This mark remains when the trail is pruned.
        await engine.store.mark(CLAIM, [mark])
    return answer


def _owner(key: SubjectKey) -> SubjectKey:
    """Name the owner of an imported secret, without the id.

    The claim outlives the account: a store keeps no id of a forgotten person.
    """
    return SubjectKey(key.tenant, hashlib.sha256(f"{key}\nowner".encode()).hexdigest())


def _holds(account: Account, context: Context, secret: bytes) -> bool:
    """Tell if one of the account's apps has this secret.

    Raises ``keyring.Unopened`` for an app that cannot be read.
    """
    apps = [item for item in account.authenticators if item.factor == KIND]
    return any(Totp().has_secret(context, item.data, secret=secret) for item in apps)
