"""An app with a mail sender and addresses, for commands that mail.

Its name on the command line is ``tests.cli.mailing:app``.
"""

from __future__ import annotations

import os

from starlette.applications import Starlette
from starlette.middleware import Middleware

from mfa_gate import MFAGate, MFAGateMiddleware, RelyingParty, Senders
from mfa_gate.core.model import Contacts, Subject
from mfa_gate.identity import SessionUser
from mfa_gate.senders import SMTPSender
from tests.harness import key

ADDRESSES = {"cat": "cat@alpha.example", "dan": "dan@alpha.example"}


async def contacts(subject: Subject) -> Contacts:
    """Know the addresses of two people."""
    return Contacts(name=subject.id.title(), email=ADDRESSES.get(subject.id, ""))


gate = MFAGate(
    policy=os.environ["MFA_GATE_POLICY"],
    identify=SessionUser("user_id", session="sid"),
    store="memory://",
    keys=[key(1)],
    relying_party=RelyingParty(id="app.example", name="Alpha", origins=["https://app.example"]),
    senders=Senders(
        email=SMTPSender(
            "127.0.0.1", int(os.environ["MAIL_PORT"]), sender="Alpha <no-reply@alpha.example>", security="none"
        )
    ),
    contacts=contacts,
)
app = Starlette(middleware=[Middleware(MFAGateMiddleware, gate=gate)])
