"""Index the paths that rules of the policy name: all others are judged alike."""

from __future__ import annotations

from ..core.policy import Facts, exemption_for
from ..core.rules import Policy, plain_path
from ..service.accounts import Engine
from .callers import Scope, is_clean

MAX_EXEMPT = 512
MAX_PATH = 256
"""Longer paths are looked up each time: visitors choose them, and memory is not theirs to fill (S-122)."""
EXEMPT_LIFE = 60
"""Seconds for which what was exempt stays so without being looked up, unless its rule ends earlier."""


class PathRules:
    """Follows the policy that is in force. ``sign_out`` is the host's own address, "" for none: exempt by itself."""

    def __init__(self, engine: Engine, *, prefix: str, sign_out: str) -> None:
        self._engine = engine
        self._prefix = prefix
        self._sign_out = sign_out
        self._leaving = plain_path(sign_out) if sign_out else ""
        self.policy: Policy | None = None
        self.paths: frozenset[str] = frozenset()
        self.trees: tuple[str, ...] = ()
        self.steps_up = False
        self._ends: tuple[int, ...] = ()
        self.exempt: dict[tuple[str, str], float] = {}

    def learn(self, policy: Policy) -> None:
        """Index ``policy``.

        ``paths`` and ``trees`` are what its rules name, spelled plainly, with the gate's own addresses; ``steps_up`` says that
        one of them asks for more somewhere."""
        every = (policy.base, *policy.tenants.values())
        exempt = [path.text for rules in every for rule in rules.exempt for path in rule.paths]
        step_up = [path.text for rules in every for rule in rules.step_up for path in rule.paths]
        named = [*exempt, *step_up]
        own = [self._leaving] if self._leaving else []
        self.steps_up = bool(step_up)
        self.paths = frozenset((*own, *(plain_path(text[1:]) for text in named if text.startswith("="))))
        self.trees = (
            self._prefix.lower(),
            *(text.removesuffix("/**").lower() for text in named if not text.startswith("=")),
        )
        self._ends = tuple(rule.expires_at for rule in policy.base.exempt if rule.expires_at is not None)
        self.exempt.clear()
        self.policy = policy

    def names(self, path: str) -> bool:
        """Tell whether ``path`` may be meant by a rule, or cannot be told from one that is."""
        if self._engine.policy is not self.policy:
            self.learn(self._engine.policy)
        plain = plain_path(path)
        return plain in self.paths or plain.startswith(self.trees) or not is_clean(path)

    def signs_out(self, scope: Scope, path: str) -> bool:
        """Tell whether the app may sign somebody out at this path, however it is spelled."""
        if not self._leaving or scope["type"] != "http" or scope["method"] == "OPTIONS":
            return False
        return plain_path(path) == self._leaving

    def is_exempt(self, scope: Scope, path: str) -> bool:
        """Tell whether a rule of the file exempts this path for everybody."""
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
        if len(path) > MAX_PATH:
            return True
        if len(self.exempt) >= MAX_EXEMPT:
            self.exempt.clear()
        self.exempt[method, path] = min((now + EXEMPT_LIFE, *(end for end in self._ends if end > now)))
        return True
