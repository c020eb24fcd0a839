"""Flask-Admin, a WSGI app, by a2wsgi: its own session is read by Flask's own parts."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from a2wsgi import WSGIMiddleware
from flask import Flask, abort, request, session
from flask_admin import Admin
from flask_admin.contrib.fileadmin import FileAdmin
from starlette.requests import HTTPConnection

from example_app.recipes.surroundings import KEYS, PARTY, SECRET, STORE
from mfa_gate import MFAGate, MFAGateMiddleware, Subject
from tests.third_party.door import POLICY


class Files(FileAdmin):
    """Show the files of a folder to people who have signed in."""

    def is_accessible(self) -> bool:
        """Refuse strangers."""
        return "user_id" in session

    def inaccessible_callback(self, name: str, **more: Any) -> Any:
        """Answer strangers."""
        abort(401)


theirs = Flask(__name__)
theirs.secret_key = SECRET
Admin(theirs).add_view(Files(str(Path(__file__).parent), name="files", endpoint="files"))


@theirs.post("/login")
def login() -> str:
    """Sign in as anybody."""
    session.update(user_id=request.form["username"], sid=secrets.token_urlsafe(16))
    return "signed in"


@theirs.post("/logout")
def logout() -> str:
    """Sign out."""
    session.clear()
    return "signed out"


# -- the gate --
async def identify(connection: HTTPConnection) -> Subject | None:
    asked = theirs.request_class({"HTTP_COOKIE": "; ".join(connection.headers.getlist("cookie"))})
    found = theirs.session_interface.open_session(theirs, asked)
    return Subject(found["user_id"], session=found["sid"]) if found and "user_id" in found else None


gate = MFAGate(policy=POLICY, identify=identify, store=STORE, keys=KEYS, relying_party=PARTY)
wsgi: Any = theirs  # the two packages name the types of WSGI differently
app = MFAGateMiddleware(WSGIMiddleware(wsgi), gate=gate)
# -- that was it --
