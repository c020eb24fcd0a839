"""The apps that servers run for ``bench_servers`` and ``bench_forward_auth``.

They are the host with its session, and the same with a gate over SQLite around it.
"""

from __future__ import annotations

import os

from tests.benchmarks._host import App, gate_on, gated, plain, with_session


def app() -> App:
    """By ``BENCH_STORE``: without a gate where it is empty."""
    store = os.environ["BENCH_STORE"]
    return gated(gate_on(store, key=os.environ["BENCH_KEY"])) if store else with_session(plain())
