"""``accounts ticket --mail``: a set-up code by a real mail server.

It goes to the address that the app knows.
"""

from __future__ import annotations

import email
import email.policy
import json
import re
import sys
import warnings
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from aiosmtpd.controller import Controller
    from aiosmtpd.smtp import SMTP, Envelope, Session

from mfa_gate.cli import main
from tests.stores.servers import free_ports

from .store import WHO, prepare
from .test_bulk import fill, ids_in

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:aiosmtpd")
TICKET = ("accounts", "ticket", "--tenant", "alpha", *WHO, "--app", "tests.cli.mailing:app")
CODE = re.compile(r"\b(?:[A-Z0-9]{5}-){5}[A-Z0-9]\b")


class Inbox:
    """The mails that came, by the address they were for. ``answer`` is said to each recipient."""

    def __init__(self) -> None:
        self.mails: dict[str, EmailMessage] = {}
        self.answer = "250 OK"

    async def handle_RCPT(self, _: SMTP, __: Session, envelope: Envelope, to: str, ___: list[str]) -> str:
        if self.answer.startswith("250"):
            envelope.rcpt_tos.append(to)
        return self.answer

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        for to in envelope.rcpt_tos:
            self.mails[to] = email.message_from_bytes(envelope.content, policy=email.policy.default)
        return "250 OK"

    def code_for(self, to: str) -> str:
        """Read the set-up code of a mail."""
        (text,) = [part.get_content() for part in self.mails[to].walk() if part.get_content_type() == "text/plain"]
        (code,) = set(CODE.findall(text))
        return str(code)


@pytest.fixture
def inbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Inbox]:
    """A mail server, an app that sends by it, and a store with people who have no factor."""
    prepare(tmp_path, monkeypatch)
    (tmp_path / "policy.toml").write_text('version = 1\nname = "Alpha"\n[factors]\nallowed = ["totp", "webauthn"]\n')
    fill(tmp_path / "mfa.db", ["ann"], ["bob", "cat", "dan"])
    made = Inbox()
    (port,) = free_ports(1)
    server = Controller(made, hostname="127.0.0.1", port=port, ready_timeout=30)
    server.start()
    monkeypatch.setenv("MAIL_PORT", str(port))
    monkeypatch.delitem(sys.modules, "tests.cli.mailing", raising=False)
    yield made
    server.stop()


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, list[dict[str, Any]]]:
    """Run a command with ``--json``. Returns its exit code and its rows."""
    code = main([*TICKET, *words, "--json"])
    said = capsys.readouterr()
    assert code < 2, said.err
    return code, [json.loads(line) for line in said.out.splitlines()]


def test_one_person(inbox: Inbox, capsys: pytest.CaptureFixture[str]) -> None:
    """The code is in the mail and nowhere on the screen.

    The mail has the app's name and address.
    """
    code, (told,) = run(capsys, "cat", "--mail")
    assert (code, told["ticket"], told["mailed_to"]) == (0, None, "c•••@a•••.example")
    mail = inbox.mails["cat@alpha.example"]
    assert "Alpha" in str(mail["Subject"])
    assert len(inbox.code_for("cat@alpha.example")) > 20
    assert "https://app.example/mfa/enroll" in mail.as_string()
    assert main([*TICKET, "dan", "--mail"]) == 0
    shown = capsys.readouterr().out
    assert "mailed to d•••@a•••.example" in shown
    assert inbox.code_for("dan@alpha.example") not in shown


def test_a_file_of_ids(inbox: Inbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A code for somebody without an address is shown, to be handed over.

    A dry run mails nobody.
    """
    ids = ids_in(tmp_path, "bob", "cat", "dan")
    assert run(capsys, "--ids", ids, "--mail", "--dry-run")[0] == 0
    assert inbox.mails == {}
    code, rows = run(capsys, "--ids", ids, "--mail")
    assert code == 0
    assert {row["id"]: row.get("mailed_to") for row in rows} == {
        "bob": None,
        "cat": "c•••@a•••.example",
        "dan": "d•••@a•••.example",
    }
    shown = {row["id"]: row["ticket"] for row in rows}
    assert (shown["cat"], shown["dan"]) == (None, None)
    assert CODE.fullmatch(shown["bob"])
    assert sorted(inbox.mails) == ["cat@alpha.example", "dan@alpha.example"]


def test_a_mail_that_is_refused(inbox: Inbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The code is shown then, and the screen says why."""
    inbox.answer = "550 no such mailbox"
    code, (told,) = run(capsys, "cat", "--mail")
    assert (code, told["mailed_to"]) == (0, None)
    assert told["not_sent"]
    assert CODE.fullmatch(told["ticket"])
    assert main([*TICKET, "dan", "--mail"]) == 0
    shown = capsys.readouterr()
    assert CODE.fullmatch(shown.out.strip())
    assert "could not be mailed" in shown.err
    assert main([*TICKET, "--ids", ids_in(tmp_path, "cat"), "--mail"]) == 0
    assert "could not be mailed" in capsys.readouterr().out
    assert inbox.mails == {}


def test_nobody_has_an_address(inbox: Inbox, capsys: pytest.CaptureFixture[str]) -> None:
    """For one person, no code is made: the operator decides how it gets there."""
    assert run(capsys, "bob", "--mail")[0] == 1
    assert inbox.mails == {}
