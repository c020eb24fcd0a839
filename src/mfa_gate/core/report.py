"""The records of report-only: situations of people, and rows that count requests in them.

A row folds the requests of one hour that a policy judges alike. It says to the minute at which times they came.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from .assurance import VERIFIED
from .codec import decode, encode
from .entropy import handle_digest
from .evidence import NO_SESSION, login_handle, session_mark, skip_key
from .model import Account, Authenticator, Browser, Caller, Proof, Subject, SubjectKey, Upstream
from .policy import Demand, Facts
from .rules import TenantSettings
from .stops import Stop

HOUR = 3600
_MARK = 12
"""Characters of a digest that tell sessions and browsers of one person apart."""


@dataclass(frozen=True, slots=True)
class Situation:
    """The facts about a person that any policy may look at, beside the request itself.

    ``session`` and ``handle`` tell sign-ins and browsers of the person apart; "" is one without a name or a cookie.
    ``login`` is the statement of an identity provider (amr, acr, time). ``enabled`` and ``chosen`` are the choices of the
    tenant's administrators. ``account`` is the account without secrets, in the form of the codec.
    """

    tenant: str
    id: str
    groups: tuple[str, ...] | None
    acting: bool
    session: str
    handle: str
    family: str
    kind: str
    address: str
    login: tuple[tuple[str, ...], str, int] | None
    enabled: bool
    chosen: tuple[str, ...]
    account: str

    @property
    def key(self) -> SubjectKey:
        """Return the key of the person's account."""
        return SubjectKey(self.tenant, self.id)

    @property
    def subject(self) -> Subject:
        """Return the person as the host has named them, with a mark in the place of the session."""
        upstream = None if self.login is None else Upstream(*self.login)
        return Subject(self.id, self.tenant, frozenset(self.groups or ()), self.session, upstream)

    @property
    def settings(self) -> TenantSettings:
        """Return the choices of the tenant's administrators."""
        return TenantSettings(tenant=self.tenant, enabled_at=1 if self.enabled else 0, factors=self.chosen)

    def known_account(self) -> Account:
        """Return the account as it was, without secrets."""
        return decode(self.key, 0, self.account.encode())


@dataclass(frozen=True, slots=True)
class Place:
    """A request: the method, the route, and a path that all rules see like the real one.

    ``endpoint`` are the demands of the code that answers.
    """

    method: str
    route: str
    path: str
    clean: bool = True
    endpoint: tuple[Demand, ...] = ()


@dataclass(slots=True)
class Row:
    """The requests of one hour at one place, in one situation, with one end.

    ``first`` and ``last`` are UTC seconds. ``minutes`` has a bit for each minute of the hour with a request.
    """

    situation: Situation
    place: Place
    stop: Stop
    count: int = 0
    first: int = 0
    last: int = 0
    minutes: int = 0

    def moments(self) -> list[int]:
        """List the times of the requests in UTC seconds: one a minute.

        The first and the last are exact.
        """
        start = self.first - self.first % HOUR
        found = [start + 60 * minute for minute in range(60) if self.minutes >> minute & 1]
        if not found:
            return [self.first]
        found[0], found[-1] = self.first, max(self.last, self.first)
        return found if self.first // 60 != self.last // 60 else [self.first]


@dataclass(slots=True)
class Part:
    """The records of one worker about one tenant in one hour.

    ``policy`` is the digest of the policy in force. ``dropped`` counts requests for which there was no room,
    ``unjudged`` those that passed without a look, by the reason. ``unseen`` are exempt paths whose requests nobody
    looks at.
    """

    uid: str
    app: str
    policy: str
    hour: int
    rows: list[Row]
    dropped: int = 0
    unjudged: dict[str, int] | None = None
    unseen: tuple[str, ...] = ()


def situation_of(caller: Caller, facts: Facts, settings: TenantSettings, account: Account) -> Situation:
    """Take the facts about the caller that any policy may look at; no secret is among them."""
    subject = caller.subject
    session = handle_digest(subject.session)[:_MARK] if subject.session else ""
    upstream = subject.upstream
    return Situation(
        tenant=subject.tenant,
        id=subject.id,
        groups=tuple(sorted(facts.groups)),
        acting=facts.acting,
        session=session,
        handle=caller.handle[:_MARK] if account.browser(caller.handle) else "",
        family=caller.label,
        kind=caller.kind,
        address=caller.address,
        login=None if upstream is None else (upstream.amr, upstream.acr, upstream.auth_time),
        enabled=bool(settings.enabled_at),
        chosen=settings.factors,
        account=encode(_bare(account, caller, handle_digest(session))).decode(),
    )


def _bare(account: Account, caller: Caller, mark: str) -> Account:
    """Keep the parts of an account that decide, for this browser and sign-in alone."""
    subject = caller.subject
    own = account.browser(caller.handle)
    login = None if subject.upstream is None else account.browser(login_handle(subject.upstream))
    real = session_mark(subject)
    browsers = [_bare_browser(one, real, mark) for one in (own, login) if one is not None]
    key = skip_key(subject, caller.handle)
    return Account(
        key=account.key,
        epoch=account.epoch,
        attempts=replace(account.attempts, series=0, charged_at=0),
        lock=account.lock and replace(account.lock, actor=""),
        authenticators=tuple(_bare_authenticator(one) for one in account.authenticators),
        default=account.default,
        browsers=tuple(browsers),
        skips=tuple((_skip(mark, caller, subject), at) for where, at in account.skips if where == key),
        skip_count=account.skip_count,
        ticket=account.ticket and replace(account.ticket, digest="", actor=""),
        acceptances=tuple(
            replace(one, network="", session=mark if one.session == handle_digest(subject.session) else "-")
            for one in account.acceptances
        ),
        grant=account.grant and replace(account.grant, asked_by="", confirmed_by="", reason="", ticket="", browsers=()),
        logins=account.logins[-1:],
        restored_at=account.restored_at,
    )


def _skip(mark: str, caller: Caller, subject: Subject) -> str:
    return f"s:{mark}" if subject.session else f"b:{caller.handle[:_MARK]}"


def _bare_authenticator(one: Authenticator) -> Authenticator:
    data = {VERIFIED: True} if one.data.get(VERIFIED) else {}
    return Authenticator(id=one.id, factor=one.factor, label="", created_at=one.created_at, data=data)


def _bare_browser(one: Browser, real: str, mark: str) -> Browser:
    def told(proof: Proof) -> Proof:
        return replace(proof, session=mark) if proof.session and proof.session == real != NO_SESSION else proof

    proofs = tuple(told(proof) for proof in one.proofs if proof.session in ("", NO_SESSION, real))
    handle = one.handle if ":" in one.handle else one.handle[:_MARK]
    return Browser(id="", handle=handle, label="", created_at=0, proofs=proofs, last_factor=one.last_factor)
