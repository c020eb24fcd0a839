"""The other sections of a policy: enrollment, freshness, attempts, roles, recovery, texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..model import Seconds, Upstream
from .units import DAY

RECOVERY_WAYS = ("backup-code", "other-factor", "request")
"""The ways that a policy can offer to a person who lost access."""
Stage = Literal["off", "optional", "required", "admin"]


CONTACT = "Call your administrator."
"""The contact where the policy names none; people read it in their language."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SkipRules:
    """The reminder of a person who skipped.

    ``max`` is the number of skips that a person has (0: no limit while enrollment is optional).
    """

    remind: str = "next-sign-in"
    max: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NudgeRules:
    """The offer of a stronger factor, just after a proof by a weaker one.

    ``to`` is the kind that is offered, ``after`` are the kinds of the proof; "" and none stand for those that the known
    factors give (``Registry.completed``). A person gets the offer once in ``every`` seconds, and ``max`` times in all (0:
    never). ``groups_any`` and ``groups_none`` choose the people; without groups it is everybody.
    """

    to: str = ""
    after: tuple[str, ...] = ()
    every: Seconds = Seconds(30 * DAY)
    max: int = 3
    groups_any: tuple[str, ...] = ()
    groups_none: tuple[str, ...] = ()

    def fits(self, groups: frozenset[str]) -> bool:
        """Tell if a person of these groups may get the offer."""
        return (not self.groups_any or not groups.isdisjoint(self.groups_any)) and groups.isdisjoint(self.groups_none)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrollmentRules:
    """``[enrollment]``: the stage, and the conditions of a first enrollment.

    With dates the stage follows the calendar: off, then optional, then required. ``ticket_life`` is the life of an
    enrollment ticket. ``checklist``: turning a tenant on waits for the lines of its checklist, or they are advice.
    """

    stage: Stage = "required"
    optional_from: int | None = None
    required_from: int | None = None
    skip: SkipRules = SkipRules()
    permanent: bool = True
    first: Literal["contact", "open", "ticket"] = "contact"
    ticket_life: Seconds = Seconds(DAY)
    checklist: Literal["required", "advice"] = "required"
    nudge: NudgeRules = NudgeRules()


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareRules:
    """The number of leading bits of an address that make the network."""

    v4: int = 32
    v6: int = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class IPChangeRules:
    """``[freshness.ip_change]``: the reaction to another network, and the size of a network."""

    action: Literal["challenge", "log"] = "challenge"
    compare: CompareRules = CompareRules()
    known_networks: int = 5
    trusted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FreshnessRules:
    """``[freshness]``: the life of a proof, and the trusted sign-ins elsewhere.

    ``trust_amr`` and ``trust_acr`` are the words of an identity provider that tell of a second factor. Those of
    ``trust_acr`` that ``phishing_resistant_acr`` names as well tell of a phishing-resistant one.
    """

    max_age: Seconds = Seconds(7 * DAY)
    renew_early: Seconds = Seconds(0)
    remember: Literal["browser", "session"] = "browser"
    outage_grace: Seconds = Seconds(0)
    trust_amr: tuple[str, ...] = ()
    trust_acr: tuple[str, ...] = ()
    phishing_resistant_acr: tuple[str, ...] = ("phr", "phrh")
    ip_change: IPChangeRules = IPChangeRules()

    @property
    def trusts_logins(self) -> bool:
        """Tell if any sign-in at an identity provider counts as a second factor."""
        return bool(self.trust_amr or self.trust_acr)

    def trusts(self, upstream: Upstream) -> bool:
        """Tell if the words of an identity provider tell of a second factor.

        A sign-in without its time does not count.
        """
        known = upstream.acr in self.trust_acr or any(word in self.trust_amr for word in upstream.amr)
        return known and upstream.auth_time > 0

    @property
    def strong_acr(self) -> tuple[str, ...]:
        """Return the trusted classes that tell of phishing resistance."""
        return tuple(word for word in self.trust_acr if word in self.phishing_resistant_acr)


@dataclass(frozen=True, slots=True, kw_only=True)
class RollingRules:
    """The second budget: failures in a window of days, which a success does not give back."""

    max: int = 50
    window: Seconds = Seconds(30 * DAY)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRules:
    """``[attempts]``: the budget of wrong answers."""

    max: int = 7
    rolling: RollingRules = RollingRules()
    lock_ends_sessions: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleRules:
    """``[roles]``: rights ← groups of the host's users.

    ``privileged``: administers people who hold rights themselves.
    """

    look: tuple[str, ...] = ("support", "admin", "security")
    unlock: tuple[str, ...] = ("admin", "security")
    reset: tuple[str, ...] = ("admin", "security")
    tenant: tuple[str, ...] = ("admin",)
    audit: tuple[str, ...] = ("admin", "security")
    everywhere: tuple[str, ...] = ("security",)
    privileged: tuple[str, ...] = ("security",)
    policy: tuple[str, ...] = ("security",)
    actor_max_age: Seconds = Seconds(300)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryRules:
    """``[recovery]``: the ways back in.

    ``hold``: a request for help can be approved (by reset or ticket) only after it has waited this long. The person is
    told at once, and can stop it in this time.

    ``self_service``: a request for help opens a first enrollment by itself after this time, unless a proof or the person
    stops it (0: never). It is set up under ``EnrollmentRules.first``.
    """

    ways: tuple[str, ...] = RECOVERY_WAYS
    contact: str = CONTACT
    hold: Seconds = Seconds(0)
    self_service: Seconds = Seconds(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRules:
    """``[change]``: the life of the policy file itself.

    ``looser``: a policy that lets more pass comes into force and the owner is told, or it waits for ``approvals`` people.
    ``grace``: the time before a shorter retention removes anything. ``reload``: the file is watched, and read again on
    SIGHUP.
    """

    looser: Literal["tell", "approve"] = "tell"
    approvals: int = 1
    grace: Seconds = Seconds(7 * DAY)
    reload: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRules:
    """``[audit]``: the life of the trail.

    ``retention``: lines of the trail older than this are pruned; None keeps them for good. ``mail_heads``: the owner gets
    the signed head of the trail by mail, once an hour where something happened. ``mail_reports``: the owner gets the
    numbers of the tenant by mail.
    """

    retention: Seconds | None = None
    mail_heads: bool = False
    mail_reports: Literal["never", "weekly", "monthly"] = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRules:
    """``[report]``: the life of the records that report-only makes, apart from the trail.

    ``retention``: hours older than this are removed.
    """

    retention: Seconds = Seconds(30 * DAY)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementRules:
    """``[agreement]``: a text that people must accept.

    ``text`` and ``digest`` (SHA-256, hex) are read from ``file`` when the policy is loaded.
    """

    id: str
    version: str
    title: str
    file: str
    again: Literal["new-version", "each-sign-in"] = "new-version"
    text: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrandRules:
    """``[brand]``: the name, the theme and the logo of the pages.

    Empty colors and an empty font are ours. ``radius`` is in pixels. ``logo_bytes``, ``logo_dark_bytes`` and ``styles``
    hold the content of the named files, read when the policy is loaded.
    """

    name: str = ""
    show_name: bool = True
    accent: str = "#0b5fff"
    text: str = ""
    text_dark: str = ""
    surface: str = ""
    surface_dark: str = ""
    radius: int = 10
    font: str = ""
    logo: str = ""
    logo_dark: str = ""
    stylesheet: str = ""
    help_url: str = ""
    terms_url: str = ""
    privacy_url: str = ""
    logo_bytes: bytes = b""
    logo_dark_bytes: bytes = b""
    styles: str = ""
