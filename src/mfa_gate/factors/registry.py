"""The factors that one gate knows, by kind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from ..core.assurance import Traits
from ..core.rules import NudgeRules, Policy, Rules
from .backup_code import BackupCode
from .base import Factor
from .email import Email
from .push import Push
from .sms import Sms
from .totp import Totp
from .voice import Voice
from .webauthn import WebAuthn

DEFAULT_FACTORS: tuple[Factor, ...] = (WebAuthn(), Push(), Totp(), Sms(), Voice(), Email(), BackupCode())
"""The factors of this package, strongest first."""


class Registry(Mapping[str, Factor]):
    """A frozen mapping from kind to factor, in the order in which factors are offered.

    Raises ``ValueError`` where two factors have one kind, and where there is none.
    """

    __slots__ = ("_factors", "backup", "traits")
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __init__(self, factors: Iterable[Factor]) -> None:
        found: dict[str, Factor] = {}
        for factor in factors:
            kind = factor.traits.kind
            if kind in found:
                raise ValueError(f"factors: two have the kind {kind!r}; give one of them another kind")
            found[kind] = factor
        if not found:
            raise ValueError(
                "factors: is empty, so nobody could confirm anything; give [*DEFAULT_FACTORS], or leave it out"
            )
        self._factors: Mapping[str, Factor] = MappingProxyType(found)
        self.traits: Mapping[str, Traits] = MappingProxyType({kind: f.traits for kind, f in found.items()})
        self.backup = next((kind for kind, traits in self.traits.items() if traits.backup), "")

    def is_backup(self, kind: str) -> bool:
        """Tell if ``kind`` stands in for other factors.

        A kind that this gate does not know does not (S-83).
        """
        return kind in self.traits and self.traits[kind].backup

    def completed(self, rules: Rules) -> Rules:
        """Fill in the parts that ``rules`` leave open: allowed kinds, their order, their options.

        Allowed kinds that ``order`` leaves out come last, in the registry's order. A backup is never in it.
        """
        given = rules.factors
        allowed = given.allowed or tuple(self)
        usual = tuple(kind for kind, traits in self.traits.items() if not traits.backup)
        order = given.order or usual
        late = tuple(kind for kind in usual if kind in allowed and kind not in order)
        options = {kind: factor.options() for kind, factor in self.items() if factor.options is not None}
        filled = replace(given, allowed=allowed, order=order + late, options={**options, **given.options})
        return replace(rules, factors=filled, enrollment=replace(rules.enrollment, nudge=self._nudge(rules)))

    def _nudge(self, rules: Rules) -> NudgeRules:
        """Fill in the offer: the strongest factor, after those whose code can be passed on."""
        given = rules.enrollment.nudge
        strong = [kind for kind, traits in self.traits.items() if traits.phishing_resistant and not traits.backup]
        weak = [
            kind for kind, traits in self.traits.items() if traits.typed and not traits.backup and kind not in strong
        ]
        return replace(given, to=given.to or next(iter(strong), ""), after=given.after or tuple(weak))

    def complete(self, policy: Policy) -> Policy:
        """Fill in the open parts of each tenant's rules; see ``completed``."""
        tenants = {tenant: self.completed(rules) for tenant, rules in policy.tenants.items()}
        return replace(policy, base=self.completed(policy.base), tenants=tenants)

    def __getitem__(self, kind: str) -> Factor:
        return self._factors[kind]

    def __iter__(self) -> Iterator[str]:
        return iter(self._factors)

    def __len__(self) -> int:
        return len(self._factors)


BUILT_IN = Registry(DEFAULT_FACTORS)
"""The registry of a gate that is given no factors."""
