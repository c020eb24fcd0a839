"""Index the paths that exemptions and step-up rules name.

All other paths share one decision.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from ..core.policy import Facts, exemption_for, is_leaving
from ..core.rules import Policy, plain_path
from .scope import is_clean
from .types import Scope

MAX_KEPT = 512
MAX_PATH = 256
"""Longest method and path, in characters, whose answer is kept. Visitors choose paths, and must not fill memory (S-122)."""
Way = Literal["exempt", "guarded", "named"]
"""The policy's answer for a method and a path: exempt for everybody and for good, like all paths, or judged by itself."""


class PathRules:
    """The index of one policy; another policy gets another one.

    ``ways`` are the answers that are kept, by method and path. ``prefix`` is the path of the gate's own addresses.
    ``sign_out`` is the host's own sign-out, "" for none: it is exempt by itself. ``served`` are paths outside of the prefix
    that the gate answers itself. ``paths`` and ``trees`` are spelled plainly. ``steps_up`` says that a rule asks for more
    somewhere. ``reports`` says that the policy only reports for some tenant, ``enforces`` that it does more for some.
    ``used`` is told the name of the exemption by which a path was found exempt. Answers that are kept tell nobody, until
    ``forget``.
    """

    def __init__(
        self,
        policy: Policy,
        *,
        prefix: str,
        sign_out: str,
        served: frozenset[str] = frozenset(),
        used: Callable[[str], None] = lambda name: None,
    ) -> None:
        every = (policy.base, *policy.tenants.values())
        exempt = [path.text for rules in every for rule in rules.exempt for path in rule.paths]
        step_up = [path.text for rules in every for rule in rules.step_up for path in rule.paths]
        named = [*exempt, *step_up]
        self.policy = policy
        self._prefix = prefix
        self._permanent = tuple(rule for rule in policy.base.exempt if rule.expires_at is None)
        # The match costs more than all the rest of a request. A policy never changes, so no answer grows old.
        self.ways: dict[str, dict[str, Way]] = {}
        self._kept = 0
        self._used = used
        self._sign_out = sign_out
        self._plain_sign_out = plain_path(sign_out) if sign_out else ""
        self._served = served
        own = [self._plain_sign_out, *served] if sign_out else [*served]
        self.steps_up = bool(step_up)
        self.reports = any(rules.mode == "report-only" for rules in every)
        self.enforces = any(rules.mode != "report-only" for rules in every)
        self.paths = frozenset((*own, *(plain_path(text[1:]) for text in named if text.startswith("="))))
        self.trees = (
            prefix.lower(),
            *(text.removesuffix("/**").lower() for text in named if not text.startswith("=")),
        )

    def forget(self) -> None:
        """Forget the answers that are kept."""
        self.ways.clear()
        self._kept = 0

    def only_reports(self, tenant: str) -> bool:
        """Tell whether nothing is enforced for people of a tenant."""
        return self.reports and self.policy.rules_for(tenant).mode == "report-only"

    def signs_out(self, scope: Scope, path: str) -> bool:
        """Tell whether the app may sign somebody out at this path, however it is spelled."""
        if not self._plain_sign_out or scope["type"] != "http" or scope["method"] == "OPTIONS":
            return False
        return plain_path(path) == self._plain_sign_out

    def is_exempt(self, scope: Scope, path: str, now: float) -> bool:
        """Tell whether a rule of the file exempts this path for everybody.

        ``now`` is in UTC seconds.
        """
        way = self.way_of(scope, path)
        if way != "named":
            return way == "exempt"
        method = scope["method"] if scope["type"] == "http" else "GET"
        if path == self._sign_out and scope["type"] == "http":
            return is_leaving(method, path, self._sign_out)
        name = exemption_for(self.policy.base.exempt, _facts(method, path), int(now))
        if name:
            self._used(name)
        return bool(name)

    def way_of(self, scope: Scope, path: str) -> Way:
        """Tell the policy's answer for a connection. A websocket counts as GET."""
        return self.way(scope["method"] if scope["type"] == "http" else "GET", path)

    def way(self, method: str, path: str) -> Way:
        """Tell the policy's answer for a method and a path, and keep it in ``ways``."""
        known = self.ways.get(method, {}).get(path)
        if known is not None:
            return known
        way = self._find_way(method, path)
        if len(method) + len(path) <= MAX_PATH:
            if self._kept >= MAX_KEPT:
                self.ways.clear()
                self._kept = 0
            self.ways.setdefault(method, {})[path] = way
            self._kept += 1
        return way

    def _find_way(self, method: str, path: str) -> Way:
        plain = plain_path(path)
        name = exemption_for(self._permanent, _facts(method, path), 0)
        if plain in self.paths or plain.startswith(self.trees):
            is_own = plain == self._plain_sign_out or path.startswith(self._prefix) or path in self._served
            if not name or is_own:
                return "named"
            self._used(name)
            return "exempt"
        return "named" if self.steps_up and not is_clean(path) else "guarded"


def _facts(method: str, path: str) -> Facts:
    return Facts(tenant="", groups=frozenset(), method=method, path=path, clean=is_clean(path))
