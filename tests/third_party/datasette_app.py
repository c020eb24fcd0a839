"""Datasette behind the gate, which asks the people that its own plugins find."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing

from datasette.app import Datasette
from datasette.plugins import pm
from datasette.utils import await_me_maybe
from datasette.utils.asgi import Request
from starlette.requests import HTTPConnection

from mfa_gate import MFAGate, MFAGateMiddleware, RelyingParty, Subject

from .place import HERE, KEY, ORIGIN

with closing(sqlite3.connect(HERE / "patients.db")) as rows:
    rows.execute("CREATE TABLE IF NOT EXISTS patients (id INTEGER PRIMARY KEY, name TEXT)")
    rows.execute("INSERT OR IGNORE INTO patients VALUES (1, 'T. Okoye')")
    rows.commit()
ds = Datasette([str(HERE / "patients.db")], secret="datasette's own secret", metadata={"allow": {"id": "root"}})
ds._root_token = os.environ.get("ROOT_TOKEN", "")


# -- the gate --
async def identify(connection: HTTPConnection) -> Subject | None:
    found = pm.hook.actor_from_request(datasette=ds, request=Request(connection.scope, None))
    actors = [actor for one in found if (actor := await await_me_maybe(one))]
    return Subject(str(actors[0]["id"])) if actors else None


party = RelyingParty(id="localhost", name="Datasette", origins=[ORIGIN])
store, policy = f"sqlite:///{HERE / 'mfa_gate.db'}", HERE / "policy.toml"
gate = MFAGate(policy=policy, identify=identify, store=store, keys=[KEY], relying_party=party, sign_out="/-/logout")
app = MFAGateMiddleware(ds.app(), gate=gate)
# -- that was it --
