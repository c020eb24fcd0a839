"""Sign-ins at an identity provider: make a proof before the first request is judged.

The host says how the person signed in there.
"""

from __future__ import annotations

from ..core import changes
from ..core.model import Caller
from .accounts import Engine


class Upstream:
    """Use case of a trusted sign-in. It writes the proof, so that judging only reads."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    async def take(self, caller: Caller) -> None:
        """Make a proof of the caller's sign-in, if the policy trusts it and it is new.

        Raises ``StoreUnavailable``.
        """
        engine = self.engine
        rules = engine.rules(caller.subject.tenant)
        upstream = caller.subject.upstream
        if upstream is None or not rules.freshness.trusts(upstream):
            return
        engine.notice()
        entry = await engine.entry(caller.subject.key)
        if not changes.is_new_login(entry.account, caller, rules, engine.now()):
            return
        moment = engine.moment_of(caller)
        await engine.change(caller.subject.key, lambda account: changes.take_login(account, moment, caller, rules))
