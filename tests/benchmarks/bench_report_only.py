"""The time of a request in report-only, against one that an enforcing gate allows.

Both stacks run side by side in one run, with the same cookies. At most 1.15 times is asked for.
"""

from __future__ import annotations

import asyncio
import gc
import secrets
import statistics
import tempfile
from dataclasses import replace
from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import Route

from mfa_gate import MFAGate, RelyingParty, Senders
from mfa_gate.core.model import Seconds
from mfa_gate.core.rules import PathRule, StepUpRule
from mfa_gate.identity import SessionUser
from mfa_gate.keyring import make_key
from tests.benchmarks._host import (
    App,
    NoMail,
    contacts,
    home,
    one_batch,
    policy,
    prove,
    session_cookie,
    with_session,
)

ROUNDS = 60
AT_MOST = 1.15
KEY = make_key(secrets.token_bytes(32))


MODES = {"enforce": (86_400, False), "report-only": (60, False), "watched rule": (60, True)}
"""Each stack with the age that its rule allows, in seconds, and whether the rule alone is only watched."""


def gate_of(store: str, mode: str) -> MFAGate:
    """Make a gate with a step-up rule on one path."""
    max_age, watched = MODES[mode]
    rule = StepUpRule(name="vault", paths=(PathRule(text="=/vault"),), max_age=Seconds(max_age), report_only=watched)
    plain = policy()
    whole = "report-only" if mode == "report-only" else "enforce"
    rules = replace(plain.base, mode=whole, step_up=(rule,))  # type: ignore[arg-type]
    return MFAGate(
        policy=replace(plain, base=rules),
        identify=SessionUser("user_id"),
        contacts=contacts,
        store=store,
        senders=Senders(email=NoMail()),
        keys=[KEY],
        relying_party=RelyingParty(id="localhost", name="Benchmark", origins=["http://localhost"]),
    )


def app_of(gate: MFAGate) -> App:
    """Make the host with the gate."""
    app = Starlette(routes=[Route("/", home), Route("/vault", home)])
    gate.install(app)
    return with_session(app)


async def age(gate: MFAGate) -> None:
    """Let the proof of the browser be an hour old: the watched rule is not met."""
    store = gate.service.engine.store
    (key,) = await store.keys()
    account = await store.load(key)
    (browser,) = account.browsers
    older = tuple(replace(proof, at=proof.at - 3600) for proof in browser.proofs)
    assert await store.swap(replace(account, browsers=(replace(browser, proofs=older),)))


async def run() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        rows: list[tuple[str, str, App, bytes]] = []
        gates: list[MFAGate] = []
        for name in ("memory", "SQLite"):
            urls = {mode: "memory://" if name == "memory" else f"sqlite:///{Path(folder) / mode}.db" for mode in MODES}
            for mode, url in urls.items():
                # The enforcing gate allows the request. In the other two it would have been stopped, if not for the mode.
                gate = gate_of(url, mode)
                cookie = await prove(gate)
                if mode == "watched rule":
                    await age(gate)
                if mode == "report-only":
                    cookie = b"x" * len(cookie)
                gates.append(gate)
                both = session_cookie() + b"; " + cookie
                app = app_of(gate)
                rows += [(f"{name}, {path}", mode, app, both) for path in ("/", "/vault")]
        found: dict[tuple[str, str], list[float]] = {}
        for round_ in range(ROUNDS + 3):
            gc.collect()
            for name, mode, app, cookie in rows:
                spent = await one_batch(app, name.rpartition(" ")[2], cookie)
                if round_ >= 3:
                    found.setdefault((name, mode), []).append(spent)
        print(f"{'microseconds a request':34}{'allowed':>10}{'reported':>10}{'times':>8}{'at most':>9}")
        for name, mode in found:
            if mode != "enforce":
                allowed, reported = (statistics.median(found[name, which]) for which in ("enforce", mode))
                told = f"{name}: {mode}"
                print(f"{told:34}{allowed:10.1f}{reported:10.1f}{reported / allowed:8.2f}{AT_MOST:9.2f}")
        for gate in gates:
            await gate.web.aclose()


def main() -> None:
    """Run it."""
    asyncio.run(run())


if __name__ == "__main__":
    main()
