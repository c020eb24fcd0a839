"""The rules of one tenant, and the whole policy file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ..networks import Network, is_place_in, network_of
from .factors import FactorRules
from .paths import Exemption, StepUpRule, SubjectExemption
from .sections import (
    AgreementRules,
    AttemptRules,
    AuditRules,
    BrandRules,
    ChangeRules,
    EnrollmentRules,
    FreshnessRules,
    RecoveryRules,
    ReportRules,
    RoleRules,
)
from .sends import SendRules

Mode = Literal["enforce", "report-only"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """All rules that apply to one tenant.

    They are the file's sections; the tenant's own values replace those of the file.
    """

    factors: FactorRules = FactorRules()
    sends: SendRules = SendRules()
    enrollment: EnrollmentRules = EnrollmentRules()
    freshness: FreshnessRules = FreshnessRules()
    attempts: AttemptRules = AttemptRules()
    roles: RoleRules = RoleRules()
    recovery: RecoveryRules = RecoveryRules()
    audit: AuditRules = AuditRules()
    report: ReportRules = ReportRules()
    change: ChangeRules = ChangeRules()
    agreement: AgreementRules | None = None
    brand: BrandRules = BrandRules()
    exempt: tuple[Exemption, ...] = ()
    exempt_subjects: tuple[SubjectExemption, ...] = ()
    step_up: tuple[StepUpRule, ...] = ()
    networks: Mapping[str, tuple[Network, ...]] = field(default_factory=dict)
    mode: Mode = "enforce"
    owner: str = ""

    def action_of(self, rule: str) -> str | None:
        """Return the label of a step-up rule, or None where no rule has this name."""
        return next((found.label for found in self.step_up if found.name == rule), None)

    def network_of(self, address: str) -> str:
        """Return the network that a proof from ``address`` belongs to.

        A trusted network is returned by its name, every other one by its prefix.
        """
        for name in self.freshness.ip_change.trusted:
            if is_place_in(address, self.networks.get(name, ())):
                return f"={name}"
        compare = self.freshness.ip_change.compare
        return network_of(address, compare.v4, compare.v6)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyTest:
    """``[[tests]]``: one example that the policy's owner wants to stay true.

    ``line`` is its place in the file, from 1; 0 for a test that no file has.
    """

    name: str
    given: Mapping[str, object]
    expect: Mapping[str, object]
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The whole file.

    ``text`` is its text; both are empty for a policy that was not read from a file. ``digest`` is the SHA-256 (hex) of the
    text, and of the files that it names (``files``); every event carries its first characters. ``tenants_are``: with
    ``closed`` there are no tenants but those that the file names. ``lines`` has the line of each key, by its place in
    the file; it is empty for a policy that was not read from one.
    """

    name: str
    digest: str = ""
    base: Rules = Rules()
    tenants: Mapping[str, Rules] = field(default_factory=dict)
    rails: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    tests: tuple[PolicyTest, ...] = ()
    tenants_are: Literal["open", "closed"] = "open"
    lines: Mapping[tuple[str | int, ...], int] = field(default_factory=dict, compare=False, repr=False)
    text: str = field(default="", compare=False, repr=False)

    @property
    def files(self) -> Mapping[str, bytes]:
        """Return the content of the files that the policy names: agreements, logos, style sheets."""
        found: dict[str, bytes] = {}
        for rules in (self.base, *self.tenants.values()):
            if rules.agreement is not None:
                found[rules.agreement.file] = rules.agreement.text.encode()
            brand = rules.brand
            found |= {brand.logo: brand.logo_bytes, brand.logo_dark: brand.logo_dark_bytes}
            found[brand.stylesheet] = brand.styles.encode()
        found.pop("", None)
        return found

    def rules_for(self, tenant: str) -> Rules:
        """Return the rules of ``tenant``; without a section of its own, those of the file."""
        return self.tenants.get(tenant, self.base)


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantSettings:
    """The choices of a tenant's administrators: the time it was turned on, and its factors.

    ``epoch`` is the number of ends of all the tenant's proofs so far, ``ended_at`` the time of the last one: accounts are
    compared with the number (``core/changes/tenant_end.py``). ``tokens`` are the rows of
    tokens for automation (``core/automation.py``).
    Times are UTC seconds, 0 for never. ``version`` and ``stamp`` belong to the store, as in ``Account``.
    """

    tenant: str
    version: int = 0
    enabled_at: int = 0
    factors: tuple[str, ...] = ()
    announced_at: int = 0
    tested_at: int = 0
    epoch: int = 0
    ended_at: int = 0
    tokens: tuple[str, ...] = ()
    stamp: str = field(default="", compare=False, repr=False)
