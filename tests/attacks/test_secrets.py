"""No secret leaves, while a whole story is told.

No log, event, header, address or stored line has a code or a secret in it.
"""

from __future__ import annotations

import json
import logging
import re
from dataclasses import asdict
from typing import Any

import pytest

from mfa_gate.core.model import SubjectKey
from mfa_gate.service import Actor, Done
from mfa_gate.stores.memory import MemoryStore
from tests.harness import FETCH, PAGE, SESSION_KEY, Browser, Outbox, Reply, World, key, make_world, running

PHONE = "2025550142"


class Recorder:
    """Every answer that went out, and where a secret is meant to be in one."""

    def __init__(self, world: World) -> None:
        self.answers: list[tuple[str, str, Reply]] = []
        inner = world.app

        async def app(scope: Any, receive: Any, send: Any) -> None:
            reply = Reply()

            async def keep(message: Any) -> None:
                if message["type"] == "http.response.start":
                    reply.status, reply.headers = message["status"], list(message["headers"])
                reply.body += message.get("body", b"")
                await send(message)

            await inner(scope, receive, keep)
            self.answers.append((scope["method"], scope["path"], reply))

        world.app = app


async def story(world: World) -> tuple[Browser, set[str], set[str]]:
    """Play a whole story of one account.

    She enrolls, fails, proves, changes and breaks things, is locked and unlocked. Returns the browser, the secrets that
    are shown once (in one answer of their own), and those that are never shown in any.
    """
    ann = await world.browser()
    await ann.page("/records")
    await ann.enroll()
    await ann.form("/mfa/enroll/sms", {"action": "start", "phone": f"+1{PHONE}"})
    page = await ann.page("/mfa/enroll/sms")
    draft = re.findall(r'name="enrollment" value="([^"]+)"', page.text)[0]
    await ann.form("/mfa/enroll/sms", {"enrollment": draft, "code": ann.wrong()})
    await ann.form("/mfa/enroll/sms", {"enrollment": draft, "code": world.sms.codes[-1]})
    await ann.enroll_email()
    await ann.form("/mfa/backup-codes", {"action": "new"})
    codes = (await ann.page("/mfa/backup-codes")).text
    shown = {ann.secret, *ann.backup, *re.findall(r"\b[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}\b", codes)}
    fresh = re.findall(r"\b[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}\b", codes)[0]
    await ann.form("/mfa/backup-codes", {"action": "saved", "saved": "1"})
    world.clock.advance(90)
    typed: set[str] = set()
    for factor in ("email", "sms"):
        pending = await world.browser()
        await pending.page("/mfa/challenge")
        id = await pending.authenticator(factor)
        await pending.form(f"/mfa/challenge/{id}", {"action": "send"})
        code = (world.email if factor == "email" else world.sms).codes[-1]
        wrong = await pending.form(f"/mfa/challenge/{id}", {"code": pending.wrong(777)})
        assert wrong.status == 422
        typed.add(pending.wrong(777))
        assert (await pending.form(f"/mfa/challenge/{id}?x=1", {"code": code})).status == 303
        late = await world.browser()
        await late.api("POST", "verify", {"authenticator": id, "response": code})
        world.clock.advance(120)
    other = await world.browser()
    backup = await other.authenticator("backup-code")
    assert (await other.form(f"/mfa/challenge/{backup}", {"code": fresh})).status == 303
    for failure in (RuntimeError("provider said no"), OSError("gone")):
        world.sms.failure = world.email.failure = failure
        world.clock.advance(4000)
        await (await world.browser()).api("POST", "challenge", {"authenticator": await other.authenticator("sms")})
        await ann.api("POST", "enroll", {"factor": "sms", "phone": f"+1{PHONE}"})
    world.sms.failure = world.email.failure = None
    for path in ("/mfa", "/mfa/enroll", "/mfa/enroll/done", "/mfa/backup-codes", "/mfa/challenge/help"):
        await other.page(path)
    for call in ("state", "authenticators", "browsers"):
        await other.api("GET", call)
    boss = await world.enrolled("boss", groups=["admin"])
    for path in (
        "/mfa/admin/accounts",
        "/mfa/admin/accounts/ann",
        "/mfa/admin/audit",
        "/mfa/admin/tenant",
        "/mfa/admin/reports/impact",
    ):
        assert (await boss.page(path)).status == 200
    for call in ("admin/accounts", "admin/accounts/ann", "admin/events", "admin/reports/impact"):
        assert (await boss.api("GET", call)).status == 200
    attacker = await world.browser()
    attacker.secret = ann.secret
    await attacker.lock()
    await boss.form("/mfa/admin/accounts/ann", {"action": "unlock", "reason": "called me"})
    ticket = await world.gate.service.account_desk.act(
        Actor(name="operator:test"), "ticket", SubjectKey("alpha", "new"), reason="lost phone"
    )
    assert isinstance(ticket, Done)
    await (await world.browser("new")).form("/mfa/enroll", {"action": "ticket", "ticket": ticket.ticket})
    world.engine.forget_all()
    await world.engine.effects.idle()
    sent = {*world.email.codes, *world.sms.codes}
    return ann, shown | {boss.secret, *boss.backup}, sent | {ticket.ticket}


def spellings(secret: str) -> set[str]:
    """A secret as it might be written."""
    return {secret, secret.replace("-", ""), secret.lower(), " ".join(re.findall(".{1,4}", secret))} - {""}


def without_refs(text: str) -> str:
    """Return the text without random words that may look like a code by chance."""
    return re.sub(r"[A-Za-z0-9_-]{20,}|\b[A-Z2-7]{10}\b|#[0-9a-f]{6}\b|\d{10,}", "", text)


async def test_a_whole_story(caplog: pytest.LogCaptureFixture) -> None:
    """No code, secret, key, handle or whole number is in any log line, event, header or row.

    Nor is it in an answer that is not meant for it. Everything that can happen to an account has happened, with every
    logger wide open. Requirements S-48, S-124.
    """
    caplog.set_level(logging.DEBUG)
    world = make_world()
    recorder = Recorder(world)
    async with running(world):
        ann, shown_once, never_shown = await story(world)
        handles = {value for name, value in ann.cookies.items() if name == ann.handle}
        handles |= {value.partition(".")[0] for value in handles}
        secrets = shown_once | never_shown | handles | {key(1), SESSION_KEY, PHONE, "ann@alpha.example"}
        assert len(never_shown) >= 5

        logs = "\n".join([record.getMessage() + str(record.exc_text or "") for record in caplog.records])
        logs += "\n".join(str(record.__dict__) for record in caplog.records)
        assert "proof.granted" in logs, "the audit log is on"
        events = json.dumps([asdict(event) for event in world.events], default=dict)
        trail = json.dumps([asdict(e) for e in (await world.store.events("", limit=200)).items], default=dict)
        store = world.store
        assert isinstance(store, MemoryStore)
        rows = repr(store._contents.accounts) + repr(store._contents.settings) + repr(store._contents.taken)
        for name, text in (("logs", logs), ("events", events), ("trail", trail), ("rows", rows)):
            plain = without_refs(text)
            for secret in secrets:
                for spelled in spellings(secret):
                    haystack = text if len(spelled) > 12 or not spelled.isdigit() else plain
                    assert spelled not in haystack, (name, spelled)

        saved = next(n for n, (method, path, _) in enumerate(recorder.answers) if (method, path) == SAVED) + 2
        once: dict[str, int] = {}
        for number, (method, path, reply) in enumerate(recorder.answers):
            head = " ".join(f"{k.decode()}: {v.decode('latin-1')}" for k, v in reply.headers if k != b"set-cookie")
            body = without_refs(reply.text)
            assert not [secret for secret in secrets - handles if secret in without_refs(head)], (method, path)
            assert not [code for code in never_shown if code in body], (method, path)
            for secret in shown_once:
                if any(spelled in reply.text for spelled in spellings(secret)):
                    assert reply.header("cache-control") == "no-store"
                    kept = path == "/mfa/backup-codes" and number <= saved and "-" in secret
                    assert method == "POST" or kept, path
                    once[secret] = once.get(secret, 0) + (not kept)
            assert PHONE not in re.sub(r"\D", "", body) or path == "/mfa/enroll/sms"
        assert sum(once.values()) >= 3
        assert max(once.values()) == 1


SAVED = ("POST", "/mfa/backup-codes")
"""The first form there; a few answers on, the person has said that the codes are in a safe place."""


@pytest.mark.parametrize("where", ["sender", "store", "identify", "contacts"])
async def test_faults_tell_nothing(
    where: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The text of an exception goes to the operator's log; the answer has only a reference.

    Requirements S-48, S-106.
    """
    caplog.set_level(logging.DEBUG)
    world = make_world()
    async with running(world):
        ann = await world.browser()
        await ann.enroll_email()
        world.clock.advance(60)
        pending = await world.browser()
        email = await pending.authenticator("email")

        def raises(*_: Any) -> Any:
            raise RuntimeError("internal detail 4711")

        match where:
            case "sender":
                monkeypatch.setattr(Outbox, "send", raises)
            case "store":
                monkeypatch.setattr(world.store, "changed", raises)
            case "identify":
                monkeypatch.setattr(world.gate.web.callers, "subject_now", raises)
            case "contacts":
                monkeypatch.setattr(world.engine, "contacts", raises)
        for headers in (PAGE, FETCH):
            for reply in (
                await pending.ask("GET", "/records", headers=headers),
                await pending.ask("GET", f"/mfa/challenge/{email}", headers=headers),
                await pending.ask("GET", "/mfa/enroll/email", headers=headers),
            ):
                assert "4711" not in reply.text
                assert "Traceback" not in reply.text
                assert "RuntimeError" not in reply.text
        reply = await pending.api("POST", "challenge", {"authenticator": email})
        assert "4711" not in reply.text
        for code in world.email.codes:
            assert code not in without_refs(caplog.text)


def test_nothing_secret_in_a_repr() -> None:
    """No key, code or destination is in a repr, which a traceback's locals may show.

    Requirement S-48.
    """
    world = make_world()
    told = repr(world.engine.keyring) + repr(world.engine.wiring) + repr(world.gate.web) + repr(world.gate)
    assert key(1) not in told
    assert "mfa1_" not in told


def test_refused_keys_are_not_repeated() -> None:
    """S-48, S-120: the message about a wrong key does not show the key."""
    from mfa_gate import SettingsError

    damaged = key(1)[:-1] + ("A" if key(1)[-1] != "A" else "B")
    with pytest.raises(SettingsError) as error:
        make_world(keys=[damaged])
    assert damaged not in str(error.value)
    assert damaged[5:20] not in str(error.value)
