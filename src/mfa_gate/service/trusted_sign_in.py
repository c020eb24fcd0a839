"""Sign-ins at an identity provider: what the host says of one becomes a proof before the first request is judged."""

from __future__ import annotations

from ..core import changes
from ..core.model import Caller
from .accounts import Engine


class Upstream:
    """Takes what the policy trusts. Judging stays reading only."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    async def take(self, caller: Caller) -> None:
        """Make a proof of the caller's sign-in if it is one that counts and was not seen yet. Raises ``StoreUnavailable``."""
        engine = self.engine
        rules = engine.rules(caller.subject.tenant)
        upstream = caller.subject.upstream
        if upstream is None or not rules.freshness.trusts(upstream):
            return
        engine.notice()
        entry = await engine.entry(caller.subject.key)
        if not changes.is_new_login(entry.account, caller, rules, engine.now()):
            return
        moment = engine.moment(network=caller.network)
        await engine.change(caller.subject.key, lambda account: changes.take_login(account, moment, caller, rules))
