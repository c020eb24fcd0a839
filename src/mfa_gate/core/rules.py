"""The rules of a policy as values: one class a section of the file, with the file's defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NewType, Protocol, runtime_checkable

from .model import Seconds, Upstream
from .networks import Network, is_place_in, network_of

DAY = 86_400
Units = NewType("Units", int)
"""Money, in whatever small coin the policy counts in."""
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

RECOVERY_WAYS = ("backup-code", "other-factor", "request")
"""The ways that a policy can offer to somebody who lost access."""

Mode = Literal["enforce", "report-only"]
Stage = Literal["off", "optional", "required", "admin"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRules:
    """A sent code: how many digits, how long it lives, how many may be outstanding."""

    digits: int = 6
    ttl: Seconds = Seconds(600)
    live: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ResendRules:
    """How soon and how often a code may be sent to one subject."""

    wait: Seconds = Seconds(30)
    per_hour: int = 5
    per_day: int = 10


@runtime_checkable
class MayBeOnFile(Protocol):
    """Options of a factor that takes its contact from the host, or from the person."""

    @property
    def is_on_file(self) -> bool:
        """Tell if the contact is the host's."""


@runtime_checkable
class SendsCode(Protocol):
    """Options of a factor that sends a code."""

    @property
    def code(self) -> CodeRules:
        """Read its digits and its life."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountRules:
    """At most ``count`` in ``window``, as close together as one likes."""

    count: int = 3
    window: Seconds = Seconds(900)

    @property
    def wait(self) -> Seconds:
        """Seconds between two: none."""
        return Seconds(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorRules:
    """``[factors]``. ``allowed`` and ``order`` are kinds; empty: all that the gate knows, in their own order.

    ``options`` are the tables ``[factors.<kind>]``, by kind: values of the class that the factor declares.
    """

    allowed: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    choice: Literal["user", "tenant"] = "user"
    first_offer: Literal["strongest", "last-used"] = "last-used"
    auto_send: bool = True
    mask: bool = True
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SkipRules:
    """When somebody who skipped is reminded, and how often they may skip (0: while it is optional)."""

    remind: str = "next-sign-in"
    max: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SendCount:
    """At most ``count`` sends in ``window``, whoever asks."""

    count: int
    window: Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRules:
    """What one message costs, in the unit of ``cap_per_day``: a whole number of whatever small coin the policy counts in."""

    sms: int = 0
    voice: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class UnansweredRules:
    """An alarm when, after ``after`` texts and calls of a day, less than ``below`` percent of them were answered."""

    below: int = 30
    after: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class SendRules:
    """``[sends]``: what all subjects together may have sent (S-129). ``per_range`` counts numbers that differ in their last
    four digits only; ``per_network`` and ``per_tenant`` count within the tenant. ``cap_per_day`` is a tenant's money for
    texts and calls in one UTC day, None for no cap; at ``warn_at`` percent of it the administrators hear of it."""

    per_destination: SendCount = SendCount(count=30, window=Seconds(DAY))
    per_range: SendCount = SendCount(count=300, window=Seconds(3600))
    per_network: SendCount = SendCount(count=1000, window=Seconds(3600))
    per_tenant: SendCount = SendCount(count=20_000, window=Seconds(DAY))
    price: PriceRules = PriceRules()
    cap_per_day: Units | None = None
    warn_at: int = 80
    unanswered: UnansweredRules = UnansweredRules()


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrollmentRules:
    """``[enrollment]``. With dates the stage follows the calendar: off, then optional, then required."""

    stage: Stage = "required"
    optional_from: int | None = None
    required_from: int | None = None
    skip: SkipRules = SkipRules()
    permanent: bool = True
    first: Literal["contact", "open", "ticket"] = "contact"


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareRules:
    """How many leading bits of an address make the network."""

    v4: int = 32
    v6: int = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class IPChangeRules:
    """``[freshness.ip_change]``."""

    action: Literal["challenge", "log"] = "challenge"
    compare: CompareRules = CompareRules()
    known_networks: int = 5
    trusted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FreshnessRules:
    """``[freshness]``. ``trust_amr`` and ``trust_acr`` are the words of an identity provider that tell of a second factor."""

    max_age: Seconds = Seconds(7 * DAY)
    renew_early: Seconds = Seconds(0)
    remember: Literal["browser", "session"] = "browser"
    outage_grace: Seconds = Seconds(0)
    trust_amr: tuple[str, ...] = ()
    trust_acr: tuple[str, ...] = ()
    ip_change: IPChangeRules = IPChangeRules()

    @property
    def trusts_logins(self) -> bool:
        """Whether any sign-in at an identity provider counts as a second factor."""
        return bool(self.trust_amr or self.trust_acr)

    def trusts(self, upstream: Upstream) -> bool:
        """Whether what an identity provider says tells of a second factor. Without its time it tells nothing."""
        known = upstream.acr in self.trust_acr or any(word in self.trust_amr for word in upstream.amr)
        return known and upstream.at > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RollingRules:
    """The second budget: failures in a window of days, which a success does not give back."""

    max: int = 50
    window: Seconds = Seconds(30 * DAY)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRules:
    """``[attempts]``."""

    max: int = 7
    rolling: RollingRules = RollingRules()
    lock_ends_sessions: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleRules:
    """``[roles]``: rights ← groups of the host's users."""

    look: tuple[str, ...] = ("support", "admin", "security")
    unlock: tuple[str, ...] = ("admin", "security")
    reset: tuple[str, ...] = ("admin", "security")
    tenant: tuple[str, ...] = ("admin",)
    audit: tuple[str, ...] = ("admin", "security")
    everywhere: tuple[str, ...] = ("security",)
    actor_max_age: Seconds = Seconds(300)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryRules:
    """``[recovery]``. ``hold``: a request for help is approved (by reset or ticket) only after it has waited this long, so
    that the person, who is told at once, can stop it."""

    ways: tuple[str, ...] = RECOVERY_WAYS
    contact: str = "Call your administrator."
    hold: Seconds = Seconds(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRules:
    """``[audit]``. ``retention``: lines of the trail older than this are pruned; None keeps them for good."""

    retention: Seconds | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementRules:
    """``[agreement]``. ``text`` and ``digest`` (SHA-256, hex) are read from ``file`` when the policy is loaded."""

    id: str
    version: str
    title: str
    file: str
    again: Literal["new-version", "each-sign-in"] = "new-version"
    text: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrandRules:
    """``[brand]``. ``logo_svg`` or ``logo_png`` holds the file's bytes, read when the policy is loaded."""

    name: str = ""
    accent: str = "#0b5fff"
    logo: str = ""
    help_url: str = ""
    logo_bytes: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class PathRule:
    """A path of the app, decoded, as its router sees it: ``=/exact`` or ``/tree/**`` (whole segments)."""

    text: str

    def matches(self, path: str) -> bool:
        """Whether ``path`` is this one, or lies in this tree (the root of the tree included)."""
        if self.text.startswith("="):
            return path == self.text[1:]
        root = self.text[:-3]
        return path == root or path.startswith(root + "/")

    def covers(self, path: str) -> bool:
        """Tell whether a router may take ``path`` for one that this rule protects.

        Slashes at the end and capitals count for nothing: many routers ignore them (decision 55).
        """
        path = plain_path(path)
        if self.text.startswith("="):
            return path == plain_path(self.text[1:])
        root = self.text[:-3].lower()
        return path == root or path.startswith(root + "/")


def plain_path(path: str) -> str:
    """Give the one spelling that stands for all that a router may take for ``path``."""
    return path.rstrip("/").lower() or "/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemption:
    """``[[exempt]]``: paths that need no second factor. ``expires_at`` None means permanent."""

    name: str
    paths: tuple[PathRule, ...]
    methods: tuple[str, ...] = METHODS
    reason: str = ""
    expires_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectExemption:
    """``[[exempt_subjects]]``: people who need no second factor, by groups. ``expires_at`` None means permanent."""

    name: str
    groups_any: tuple[str, ...]
    groups_none: tuple[str, ...] = ()
    reason: str = ""
    expires_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepUpRule:
    """``[[step_up]]``: paths (for some groups, where named) that ask for a fresher or a stronger proof."""

    name: str
    paths: tuple[PathRule, ...]
    methods: tuple[str, ...] = ()
    max_age: Seconds | None = None
    factors_any: tuple[str, ...] = ()
    phishing_resistant: bool = False
    report_only: bool = False
    groups_any: tuple[str, ...] = ()
    groups_none: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """All that holds for one tenant: the file's sections with that tenant's own laid over them."""

    factors: FactorRules = FactorRules()
    sends: SendRules = SendRules()
    enrollment: EnrollmentRules = EnrollmentRules()
    freshness: FreshnessRules = FreshnessRules()
    attempts: AttemptRules = AttemptRules()
    roles: RoleRules = RoleRules()
    recovery: RecoveryRules = RecoveryRules()
    audit: AuditRules = AuditRules()
    agreement: AgreementRules | None = None
    brand: BrandRules = BrandRules()
    exempt: tuple[Exemption, ...] = ()
    exempt_subjects: tuple[SubjectExemption, ...] = ()
    step_up: tuple[StepUpRule, ...] = ()
    networks: Mapping[str, tuple[Network, ...]] = field(default_factory=dict)
    mode: Mode = "enforce"
    owner: str = ""

    def network_of(self, address: str) -> str:
        """The network that a proof from ``address`` belongs to: a trusted one by its name, else the prefix."""
        for name in self.freshness.ip_change.trusted:
            if is_place_in(address, self.networks.get(name, ())):
                return f"={name}"
        compare = self.freshness.ip_change.compare
        return network_of(address, compare.v4, compare.v6)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyTest:
    """``[[tests]]``: one example that the policy's owner wants to stay true."""

    name: str
    given: Mapping[str, object]
    expect: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The whole file. ``digest`` is the SHA-256 (hex) of its text; every event carries its first characters."""

    name: str
    digest: str = ""
    base: Rules = Rules()
    tenants: Mapping[str, Rules] = field(default_factory=dict)
    rails: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    tests: tuple[PolicyTest, ...] = ()

    def rules_for(self, tenant: str) -> Rules:
        """The rules of ``tenant``; a tenant without a section of its own has the file's."""
        return self.tenants.get(tenant, self.base)


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantSettings:
    """What a tenant's administrators chose: since when it is on, and which factors. ``version`` and ``stamp`` are the store's, as
    in ``Account``."""

    tenant: str
    version: int = 0
    enabled_at: int = 0
    factors: tuple[str, ...] = ()
    announced_at: int = 0
    tested_at: int = 0
    stamp: str = field(default="", compare=False, repr=False)
