"""Which paths a rule of the policy names: all others are judged alike, whatever their path."""

from __future__ import annotations

from ..core.policy import Facts, exemption_for
from ..core.rules import Policy
from ..service.engine import Engine
from .facts import Scope, is_clean

MAX_EXEMPT = 512
EXEMPT_LIFE = 60
"""Seconds for which what was exempt stays so without being looked up."""


class Ruled:
    """Follows the policy that is in force. ``sign_out`` is the host's own address: exempt by itself."""

    def __init__(self, engine: Engine, *, prefix: str, sign_out: str) -> None:
        self._engine = engine
        self._prefix = prefix
        self._sign_out = sign_out.partition("?")[0]
        self.policy: Policy | None = None
        self.paths: frozenset[str] = frozenset()
        self.trees: tuple[str, ...] = ()
        self.steps_up = False
        self.exempt: dict[tuple[str, str], float] = {}

    def learn(self, policy: Policy) -> None:
        """``paths`` and ``trees`` are what the rules of ``policy`` name, with the gate's own; ``steps_up``: one of them asks
        for more somewhere."""
        every = (policy.base, *policy.tenants.values())
        exempt = [path.text for rules in every for rule in rules.exempt for path in rule.paths]
        step_up = [path.text for rules in every for rule in rules.step_up for path in rule.paths]
        named = [*exempt, *step_up]
        self.steps_up = bool(step_up)
        self.paths = frozenset((self._sign_out, *(text[1:] for text in named if text.startswith("="))))
        self.trees = (self._prefix, *(text.removesuffix("/**") for text in named if not text.startswith("=")))
        self.exempt.clear()
        self.policy = policy

    def names(self, path: str) -> bool:
        """Whether ``path`` may be meant by a rule, or is written so that it cannot be told."""
        if self._engine.policy is not self.policy:
            self.learn(self._engine.policy)
        return path in self.paths or path.startswith(self.trees) or not is_clean(path)

    def is_exempt(self, scope: Scope, path: str) -> bool:
        """Whether a rule of the file exempts this path for everybody."""
        engine = self._engine
        method = scope["method"] if scope["type"] == "http" else "GET"
        if path == self._sign_out and scope["type"] == "http":
            return method in ("GET", "HEAD", "POST")
        now = engine.wiring.clock.now()
        if self.exempt.get((method, path), 0) > now and engine.policy is self.policy:
            return True
        facts = Facts(tenant="", groups=frozenset(), method=method, path=path, clean=is_clean(path))
        if not exemption_for(engine.policy.base.exempt, facts, int(now)):
            return False
        if engine.policy is not self.policy:
            self.learn(engine.policy)
        if len(self.exempt) >= MAX_EXEMPT:
            self.exempt.clear()
        self.exempt[method, path] = now + EXEMPT_LIFE
        return True
