"""ConsoleSender, and the modules that importing the senders loads."""

from __future__ import annotations

import io
import subprocess
import sys
from typing import TextIO, cast

import pytest

import mfa_gate.senders
from mfa_gate.errors import SettingsError
from mfa_gate.senders import ConsoleSender

from .servers import email_message, text_message


async def test_it_shows_the_message_and_its_code(capsys: pytest.CaptureFixture[str]) -> None:
    """D-16: the developer sees the code, on standard error."""
    sender = ConsoleSender(environ={})
    await sender.send(email_message())
    await sender.aclose()
    shown = capsys.readouterr()
    assert "493817" in shown.err
    assert "ann@clinic.example" in shown.err
    assert shown.out == ""
    assert await sender.check() == ""


async def test_it_writes_to_a_stream_of_ones_own() -> None:
    """Given a stream, it writes there."""
    stream = io.StringIO()
    await ConsoleSender(stream, environ={}).send(text_message(callback="https://app.example/x"))
    assert "@app.example #493817" in stream.getvalue()
    assert "https://app.example/x" in stream.getvalue()


CALL = "https://app.example/x"


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        ({}, ["   Hello", "   One", "   two", "   code 493817"]),
        ({"subject": "", "code": ""}, ["   One", "   two"]),
        ({"callback": CALL}, ["   Hello", "   One", "   two", f"   callback {CALL}", "   code 493817"]),
    ],
)
async def test_a_message_on_the_terminal(changes: dict[str, str], lines: list[str]) -> None:
    """Each part that a message has stands on its own line, and is seen at once."""

    class Seen(io.StringIO):
        """A window that shows what was flushed."""

        shown = ""

        def flush(self) -> None:
            self.shown = self.getvalue()

    stream = Seen()
    await ConsoleSender(stream, environ={}).send(email_message(**{"subject": "Hello", "text": "One\ntwo", **changes}))
    assert stream.shown.splitlines() == ["── email to ann@clinic.example (clinic)", *lines]


async def test_a_stream_needs_no_encoding() -> None:
    """A stream that can only write and flush is enough, and each character reaches it."""

    class Lines:
        """A stream that somebody wrote for a window of theirs."""

        def __init__(self) -> None:
            self.text = ""

        def write(self, text: str) -> None:
            self.text += text

        def flush(self) -> None:
            """Nothing waits."""

    lines = Lines()
    await ConsoleSender(cast(TextIO, lines), environ={}).send(text_message(text="Köln ✓"))
    assert "Köln ✓" in lines.text


async def test_a_terminal_obeys_nothing_in_a_message() -> None:
    """Escape sequences in a message reach the terminal as plain marks."""
    stream = io.StringIO()
    await ConsoleSender(stream, environ={}).send(email_message(text="\x1b[2Jhello\x9b31m", subject="\x07\u202ex"))
    assert not any(char in stream.getvalue() for char in "\x1b\x9b\x07\u202e")
    assert "hello" in stream.getvalue()


@pytest.mark.parametrize("name", ["MFA_GATE_ENV", "ENV", "APP_ENV", "ENVIRONMENT", "NODE_ENV", "DJANGO_ENV"])
@pytest.mark.parametrize("value", ["production", "Production", "PROD", " live "])
def test_it_refuses_production(name: str, value: str) -> None:
    """The sender is not built in production, and the message names the variable.

    The environment looks like production by its variables. Requirement D-16.
    """
    with pytest.raises(SettingsError, match=name):
        ConsoleSender(environ={name: value})
    ConsoleSender(environ={name: value}, allow_in_production=True)


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"ENV": "development"},
        {"ENV": ""},
        {"MFA_GATE_ENV": "development", "NODE_ENV": "production"},
        {"X": "production"},
    ],
)
def test_it_is_built_in_development(environ: dict[str, str]) -> None:
    """Outside of production it is built.

    ``MFA_GATE_ENV`` overrules the variables of other tools.
    """
    assert repr(ConsoleSender(environ=environ)) == "ConsoleSender()"


def test_the_real_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """D-16: without an argument the process's own environment decides."""
    monkeypatch.setenv("MFA_GATE_ENV", "production")
    with pytest.raises(SettingsError):
        ConsoleSender()


def test_naming_the_module_loads_no_client() -> None:
    """Importing ``mfa_gate.senders`` loads neither SMTP nor HTTP.

    Naming a sender loads its own client only.
    """
    code = (
        "import sys, mfa_gate.senders as s; "
        "heavy = {'aiosmtplib', 'httpx2'}; assert not heavy & set(sys.modules); "
        "s.ConsoleSender; assert not {'aiosmtplib', 'httpx2'} & set(sys.modules); "
        "s.SMTPSender; assert 'aiosmtplib' in sys.modules and 'httpx2' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)


def test_the_public_names() -> None:
    """Every public name resolves, and no other does."""
    assert [getattr(mfa_gate.senders, name).__name__ for name in mfa_gate.senders.__all__] == mfa_gate.senders.__all__
    assert dir(mfa_gate.senders) == sorted(mfa_gate.senders.__all__)
    with pytest.raises(AttributeError, match="PigeonSender"):
        _ = mfa_gate.senders.PigeonSender  # type: ignore[attr-defined]
