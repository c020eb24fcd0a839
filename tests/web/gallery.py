"""Every page in every state.

The render tests walk it, and ``python -m tests.web.gallery OUTDIR`` draws it to look at.
"""

from __future__ import annotations

import base64
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from pathlib import Path
from threading import Thread
from typing import Any

from mfa_gate.core.rules import BrandRules
from mfa_gate.service.admin.actions import ACTIONS
from mfa_gate.service.admin.chart import Count
from mfa_gate.service.admin.documents import AskedLine, GrantLine
from mfa_gate.service.impact import Line
from mfa_gate.web import views as v
from mfa_gate.web.assets import CSP, static_assets
from mfa_gate.web.brand_files import brand_file
from mfa_gate.web.chart import chart_of
from mfa_gate.web.views import Frame, View, Way
from mfa_gate.web.views import admin as admin
from mfa_gate.web.views.desk import Slip
from mfa_gate.web.views.frame import Language
from mfa_gate.web.views.impact import AdminImpact, WalledOut
from tests.chromium import launch

from .gallery_many import RENDERER, many_pages, report_pages
from .gallery_policy import policy_pages
from .gallery_what_if import what_if_pages

NOW = 1_760_000_000
DAY = 86_400
HOSTILE = "\"><script>alert(1)</script>'{{ 7*7 }}%(x)s"

LOGO = (
    "data:image/svg+xml;base64,"
    + base64.b64encode(
        b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#0b5fff"/>'
        b'<path d="M10 17l4 4 8-9" fill="none" stroke="#fff" stroke-width="3"/></svg>'
    ).decode()
)

LANGUAGES = {
    "en": "English",
    "ar": "العربية",
    "de": "Deutsch",
    "es": "Español",
    "fr": "Français",
    "pt-BR": "Português (Brasil)",
    "vi": "Tiếng Việt",
    "zh-Hans": "简体中文",
}

FRAME = Frame(
    prefix="/mfa",
    now=NOW,
    csrf_token="t0ken",
    brand_name="Northwind Finance",
    logo=LOGO,
    help_url="https://help.example/mfa",
    contact="Call the service desk at extension 4400.",
    person="user@finance.example",
    sign_out="/logout",
    here="/mfa/challenge",
    languages=tuple(Language(tag=tag, name=name) for tag, name in LANGUAGES.items()),
)

APP = Way(kind="totp", id="a1", label="Authenticator app")
PHONE = Way(kind="sms", id="a2", label="iPhone", hint="••• ••• ••23")
MAIL = Way(kind="email", id="a3", label="Email", hint="u•••@f•••.example")
CALL = Way(kind="voice", id="a4", label="Office phone", hint="••• ••• ••99")
KEY = Way(kind="webauthn", id="a5", label="Laptop passkey")
PUSH = Way(kind="push", id="a6", label="Pixel 9")
CODES = Way(kind="backup-code", id="a7", label="Backup codes")
ODD = Way(kind="carrier-pigeon", id="a8", label="Pigeon")

SENT: dict[str, Any] = {"sent_at": NOW - 20, "expires_at": NOW + 580, "resend_at": NOW + 10}
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
URI = f"otpauth://totp/Northwind%20Finance:user%40finance.example?secret={SECRET}&issuer=Northwind%20Finance"
CREATE = (
    '{"rp": {"id": "localhost", "name": "Northwind"}, "user": {"id": "dTE", "name": "u", "displayName": "U"}, '
    '"challenge": "Y2hhbGxlbmdl", "pubKeyCredParams": [{"type": "public-key", "alg": -7}], "excludeCredentials": []}'
)
BACKUP = tuple(
    f"{a}-{b}"
    for a, b in zip(
        ["7KX2M", "QP4TA", "9WZ3C", "HV6RN", "2BTY8", "KD5QJ", "X4MGP", "8SFA3", "ZR7WE", "C9N6H"],
        ["D3H8V", "5NCKZ", "T2PGY", "8XJ4B", "QM7RA", "6WVE3", "F9SD2", "HYK5T", "3BGN8", "PX4QM"],
        strict=True,
    )
)


def bad(frame: Frame, reason: str, field: str = "code", **more: Any) -> Frame:
    """``frame`` after a form was refused."""
    return replace(frame, problems=(v.Problem(reason=reason, field=field, **more),))


def told(frame: Frame, word: str, **more: Any) -> Frame:
    """``frame`` after something was done."""
    return replace(frame, notice=v.Notice(word=word, **more))


def pages() -> Iterator[tuple[str, View, Frame]]:
    """All of them, by a name that is unique and tells page and state."""
    yield from _challenges(FRAME)
    yield from _enrollment(FRAME)
    yield from _backup_codes(FRAME)
    yield from _settings(FRAME)
    yield from _ways_on(FRAME)
    yield from _faults(FRAME)


def _challenges(frame: Frame) -> Iterator[tuple[str, View, Frame]]:
    others = (APP, MAIL, CODES)
    totp = v.Challenge(way=APP, why="no_proof", others=(PHONE, MAIL, CODES))
    yield "challenge-totp", totp, frame
    yield "challenge-totp-alone", replace(totp, others=(), why="expired"), frame
    yield "challenge-totp-wrong", replace(totp, remaining=4), bad(frame, "wrong_code")
    yield "challenge-totp-last", replace(totp, remaining=1), bad(frame, "wrong_code")
    for word in (
        "code_missing",
        "code_short",
        "code_long",
        "code_letters",
        "code_already_used",
        "code_expired",
        "csrf",
    ):
        yield f"challenge-totp-{word.replace('_', '-')}", totp, bad(frame, word, "" if word == "csrf" else "code")
    sms = v.Challenge(way=PHONE, why="ip_changed", sending="sent", challenge="c1", others=others, **SENT)
    yield "challenge-sms-sent", sms, frame
    yield "challenge-sms-resent", replace(sms, sent_at=NOW), told(frame, "sent", value=PHONE.hint)
    yield "challenge-sms-wait", replace(sms, sending="unsent", expires_at=0), told(frame, "wait", count=20)
    yield "challenge-sms-too-soon", sms, bad(frame, "too_soon", "", seconds=20)
    yield "challenge-sms-unsent", replace(sms, sending="unsent", sent_at=0, expires_at=0), frame
    yield "challenge-sms-failed", replace(sms, sending="failed"), bad(frame, "send_failed", "")
    yield "challenge-sms-stopped", replace(sms, sending="failed", cause="opted-out"), frame
    off = tuple(replace(way, off=way.kind == "voice") for way in others)
    yield "challenge-sms-off", replace(sms, sending="off", others=off), frame
    yield "challenge-sms-unavailable", replace(sms, sending="off", others=off), bad(frame, "factor_unavailable", "")
    yield "challenge-sms-refused", replace(sms, sending="unsent"), bad(frame, "send_refused", "")
    yield "challenge-sms-over", replace(sms, expires_at=NOW - 5), frame
    mail = v.Challenge(way=MAIL, why="expired", sending="sent", challenge="c2", others=(), recovery=False, **SENT)
    yield "challenge-email-sent", mail, frame
    yield "challenge-email-moved", replace(mail, moved_to="n•••@c•••.example"), frame
    yield "challenge-asked", replace(mail, asked_at=NOW - 90_000), frame
    yield "challenge-email-step-up", replace(mail, why="step_up", action="Exporting records", remember_for=0), frame
    yield "challenge-email-unsent", replace(mail, sending="unsent", why="revoked"), frame
    yield "challenge-backup-code", v.Challenge(way=CODES, why="no_proof", others=(APP,)), frame
    yield "challenge-voice-unsent", v.Challenge(way=CALL, why="no_proof", sending="unsent", others=others), frame
    voice = v.Challenge(
        way=CALL, why="no_proof", sending="sent", waiting=True, poll_url="/mfa/api/challenge/c3", **SENT
    )
    yield "challenge-voice-calling", voice, frame
    yield "challenge-voice-not-yet", voice, bad(frame, "pending", "")
    yield "challenge-voice-code", replace(voice, waiting=False, poll_url=""), frame
    push = replace(voice, way=PUSH, number="47", others=others)
    yield "challenge-push-waiting", push, frame
    yield "challenge-push-unsent", replace(push, number="", waiting=False, sending="unsent"), frame
    key = v.Challenge(way=KEY, why="step_up", public_key='{"challenge":"AA"}', others=others)
    yield "challenge-passkey", key, frame
    for word in ("wrong", "expired", "already_used", "malformed"):
        yield f"challenge-passkey-{word.replace('_', '-')}", key, bad(frame, f"passkey_{word}", "")
        yield f"challenge-push-{word.replace('_', '-')}", push, bad(frame, f"request_{word}", "")
    yield "challenge-totp-or-passkey", replace(totp, passkey="a5"), frame
    yield "challenge-unknown-kind", v.Challenge(way=ODD, why="no_proof", others=(APP,)), frame
    ways = (KEY, PUSH, replace(PHONE, last=True), CALL, MAIL, CODES)
    yield "challenge-all-ways", replace(totp, others=ways), frame
    send = f"{frame.prefix}/challenge/a2"
    help_sms = v.CodeHelp(way=PHONE, back=send, send_url=send, others=others, sent_at=NOW - 20, resend_at=NOW + 10)
    yield "help-sms", help_sms, frame
    yield "help-totp", v.CodeHelp(way=APP, back=f"{frame.prefix}/challenge/a1", others=()), frame
    back = f"{frame.prefix}/enroll/sms"
    yield "help-enrolling", replace(help_sms, back=back, send_url=back, enrollment="e1", change_url=back), frame


def _enrollment(frame: Frame) -> Iterator[tuple[str, View, Frame]]:
    kinds = tuple(Way(kind=kind) for kind in ("webauthn", "push", "totp", "sms", "voice", "email"))
    frame = replace(frame, here="/mfa/enroll")
    yield "enroll-required", v.EnrollChoice(ways=kinds), frame
    soon = v.EnrollChoice(ways=kinds[2:4], required_at=NOW + 30 * DAY, skippable=True)
    yield "enroll-optional", soon, frame
    yield "enroll-optional-counted", replace(soon, skips_left=2, required_at=0), frame
    yield "enroll-overdue", v.EnrollChoice(ways=kinds[2:], required_at=NOW - DAY), frame
    yield "enroll-more", v.EnrollChoice(ways=kinds[3:], purpose="more", back="/mfa"), frame
    yield "enroll-stronger", v.EnrollChoice(ways=kinds[:1], purpose="stronger"), frame
    yield "enroll-off", v.EnrollChoice(ways=kinds, demanded=False, back="/"), frame
    yield "enroll-nobody", v.EnrollChoice(ways=(), purpose="nobody", back="/"), frame
    yield "enroll-nothing", v.EnrollChoice(ways=(), purpose="more", back="/mfa"), frame
    for kind in ("totp", "email", "sms", "voice", "webauthn", "push", "backup-code", "carrier-pigeon"):
        start = v.EnrollStart(
            kind=kind, back="/mfa/enroll", consent="Message and data rates may apply. Reply STOP to opt out."
        )
        if kind == "totp":
            start = replace(start, apps=("Google Authenticator", "Microsoft Authenticator", "Authy", "1Password"))
        if kind == "email":
            start = replace(start, destination="user@finance.example", skippable=True)
        yield f"enroll-{kind}-start", start, frame
    yield "enroll-email-none-on-file", v.EnrollStart(kind="email"), bad(frame, "no_contact", "")
    sms = v.EnrollStart(
        kind="sms", back="/mfa/enroll", consent="Message and data rates may apply. Reply STOP to opt out."
    )
    yield "enroll-sms-on-file", replace(sms, destination="(202) 555-0123"), frame
    regions = (v.Region(code="US", name="United States (+1)"), v.Region(code="DE", name="Germany (+49)"))
    urls: dict[str, Any] = {"terms_url": "https://example.org/terms", "privacy_url": "https://example.org/privacy"}
    yield "enroll-sms-regions", replace(sms, regions=regions, region="DE", **urls), frame
    typed = replace(sms, phone="+1 416 555 0123")
    yield (
        "enroll-sms-region-refused",
        typed,
        bad(frame, "phone_region", "phone", detail="United States", about="Canada"),
    )
    yield "enroll-sms-type-refused", typed, bad(frame, "phone_type", "phone", detail="toll-free")
    yield "enroll-sms-unreadable", replace(typed, phone="12"), bad(frame, "phone_invalid", "phone")
    yield "enroll-sms-missing", sms, bad(frame, "phone_missing", "phone")
    totp = v.EnrollConfirm(
        kind="totp", enrollment="e1", label="Authenticator app", key=SECRET, uri=URI, issuer="Northwind Finance",
        account="user@finance.example", back="/mfa/enroll",
    )  # fmt: skip
    yield "enroll-totp-confirm", totp, frame
    yield "enroll-totp-wrong", replace(totp, remaining=6), bad(frame, "wrong_code")
    yield "enroll-totp-drift", totp, bad(frame, "clock_drift")
    yield "enroll-totp-label-taken", totp, bad(frame, "label_taken", "label")
    sent = v.EnrollConfirm(
        kind="sms",
        enrollment="e1",
        label="iPhone",
        hint="(202) 555-0123",
        sending="sent",
        back="/mfa/enroll/sms",
        **SENT,
    )
    yield "enroll-sms-confirm", sent, frame
    typed_number = replace(
        sent, typed="(202) 555-0123", change_url="/mfa/enroll/sms?again=1", call_url="/mfa/enroll/voice"
    )
    yield "enroll-sms-confirm-typed", typed_number, frame
    yield "enroll-sms-confirm-wait", typed_number, told(frame, "wait", count=20)
    yield "enroll-sms-confirm-failed", replace(sent, sending="failed"), bad(frame, "send_failed", "")
    yield (
        "enroll-sms-confirm-two-problems",
        sent,
        replace(
            frame,
            problems=(v.Problem(reason="code_missing", field="code"), v.Problem(reason="label_missing", field="label")),
        ),
    )
    yield "enroll-email-confirm", replace(sent, kind="email", hint="user@finance.example", ask_label=False), frame
    yield "enroll-voice-confirm", replace(sent, kind="voice", waiting=True, poll_url="/mfa/api/challenge/c3"), frame
    yield (
        "enroll-passkey-confirm",
        v.EnrollConfirm(kind="webauthn", enrollment="e1", label="Passkey", public_key=CREATE),
        frame,
    )
    push = v.EnrollConfirm(
        kind="push",
        enrollment="e1",
        label="Phone",
        uri="https://app.example/mfa/approve#k",
        waiting=True,
        sending="sent",
        number="47",
        poll_url="/mfa/api/challenge/c3",
    )
    yield "enroll-push-confirm", push, frame
    yield "enroll-push-scanned", replace(push, uri=""), frame
    yield "enroll-push-not-yet", push, bad(frame, "pending", "")
    contacts = (replace(MAIL, id="", label=""), replace(PHONE, id="", label=""))
    yield "contact-unsent", v.EnrollContact(ways=contacts), frame
    yield "contact-sent", v.EnrollContact(ways=contacts, way=contacts[0], sending="sent", **SENT), frame
    yield "contact-failed", v.EnrollContact(ways=contacts, sending="failed"), bad(frame, "send_failed", "")
    wrong = v.EnrollContact(ways=contacts[:1], way=contacts[0], sending="sent", remaining=3, **SENT)
    yield "contact-wrong", wrong, bad(frame, "wrong_code")
    yield "contact-none", v.EnrollContact(ways=()), frame
    yield "ticket", v.EnrollTicket(), frame
    yield "ticket-wrong", v.EnrollTicket(remaining=5), bad(frame, "ticket_wrong", "ticket")
    yield (
        "enroll-offer-moved",
        v.EnrollOffer(kind="email", label="Email", continue_url="/records", moved_to="n•••@c•••.example"),
        frame,
    )
    yield (
        "enroll-offer",
        v.EnrollOffer(kind="webauthn", label="Passkey", continue_url="/records"),
        replace(frame, here="/mfa/enroll/offer"),
    )
    done = v.EnrollDone(way=APP, default=APP, continue_url="/records", ways=kinds[3:4], backup_url="/mfa/backup-codes")
    yield "enroll-done", done, frame
    yield "enroll-done-second", replace(done, way=PHONE, ways=(), backup_url="", steps=0), frame


def _backup_codes(frame: Frame) -> Iterator[tuple[str, View, Frame]]:
    frame = replace(frame, here="/mfa/backup-codes")
    yield "codes-first", v.BackupCodesStart(back="/mfa"), frame
    yield "codes-again", v.BackupCodesStart(remaining=3, made_at=NOW - 90 * DAY, back="/mfa"), frame
    shown = v.BackupCodes(codes=BACKUP, made_at=NOW)
    yield "codes-shown", shown, frame
    yield "codes-shown-unticked", replace(shown, replaced=True), bad(frame, "saved_missing", "saved")


def _settings(frame: Frame) -> Iterator[tuple[str, View, Frame]]:
    frame = replace(frame, here="/mfa")
    factors = (
        v.FactorLine(
            id="a1", kind="totp", label="Authenticator app", added_at=NOW - 120 * DAY, last_used_at=NOW - 3_700,
            last_network="203.0.113.7", is_default=True,
        ),
        v.FactorLine(
            id="a2", kind="sms", label="iPhone", hint="••• ••• ••23", added_at=NOW - 40 * DAY, last_used_at=NOW - 8 * DAY,
            last_network="2001:db8:44:1200::/64",
        ),
        v.FactorLine(id="a5", kind="webauthn", label="Work laptop", added_at=NOW - DAY),
    )  # fmt: skip
    browsers = (
        v.BrowserLine(
            id="b1", label="Firefox on Linux", network="203.0.113.7", last_used_at=NOW - 30, ends_at=NOW + 6 * DAY,
            current=True,
        ),
        v.BrowserLine(
            id="b2", label="Safari on iPhone", network="2001:db8:44:1200::/64", last_used_at=NOW - 2 * DAY,
            ends_at=NOW + 5 * DAY,
        ),
        v.BrowserLine(id="b3", label="", kind="client"),
    )  # fmt: skip
    activity = (
        v.Activity(
            at=NOW - 3_700, kind="proof.granted", factor="totp", label="Authenticator app", network="203.0.113.7"
        ),
        v.Activity(at=NOW - 3_720, kind="attempt.failed", factor="totp", network="203.0.113.7"),
        v.Activity(at=NOW - 8 * DAY, kind="challenge.sent", factor="sms", label="iPhone", network="198.51.100.4"),
        v.Activity(at=NOW - 40 * DAY, kind="factor.enrolled", factor="sms", label="iPhone", network="198.51.100.4"),
        v.Activity(at=NOW - 41 * DAY, kind="something.new"),
    )
    full = v.Settings(
        factors=factors, browsers=browsers, activity=activity, continue_url="/",
        addable=(Way(kind="webauthn"), Way(kind="email")), backup=v.BackupStock(remaining=7, total=10, made_at=NOW - 120 * DAY),
    )  # fmt: skip
    yield "settings", full, frame
    many = tuple(
        v.BrowserLine(
            id=f"m{n}",
            label=f"Chrome on {on}",
            network="203.0.113.9",
            first_seen_at=NOW - n * DAY,
            bound=n == 5,
            last_used_at=NOW - n * 20_000,
        )
        for n, on in enumerate(("Windows", "Android", "macOS", "Linux", "Windows", "iPhone", "Windows"), 2)
    )
    line = v.Activity(at=NOW - 4_000, kind="proof.granted", factor="totp", network="203.0.113.7", ref="e1")
    yield (
        "settings-good",
        replace(full, checkup="good", browsers=(*browsers, *many), activity=(*activity, *[line] * 4), most_browsers=10),
        frame,
    )
    again = (replace(browsers[0], id="b9", current=False, last_used_at=NOW - DAY), *browsers[1:])
    phones = tuple(
        replace(
            browsers[1],
            id=f"p{n}",
            network=f"2001:db8:{n}4:1200::/64",
            last_used_at=NOW - n * 90_000,
            first_seen_at=NOW - n * DAY,
        )
        for n in range(3, 7)
    )
    stranger = replace(browsers[1], id="s1", network="198.51.100.66", place="Porto Alegre")
    bound = (*factors[:2], replace(factors[2], hint="On one device only", is_alone=True))
    listed = (browsers[0], *again, *phones, stranger, *many[:2])
    yield "settings-devices", replace(full, factors=bound, browsers=listed), frame
    yield "settings-new-codes", replace(full, checkup="codes"), told(frame, "others_forgotten", count=3)
    yield "settings-frozen", replace(full, frozen_until=NOW + DAY), frame
    yield "settings-frozen-undo", replace(full, frozen_until=NOW + DAY, can_undo=True), frame
    yield "settings-stale", replace(full, confirm_url="/mfa/challenge"), frame
    yield "settings-renamed", full, told(frame, "renamed", value="Work phone")
    yield "settings-removed", full, told(frame, "removed", value="iPhone")
    yield "settings-forgotten", full, told(frame, "forgotten", value="Safari on iPhone")
    low = v.BackupStock(remaining=2, total=10, made_at=NOW - 120 * DAY)
    yield "settings-few-codes", replace(full, backup=low), told(frame, "backup_used", count=2)
    yield (
        "settings-label-taken",
        replace(full, editing="a2", typed_label="Authenticator app"),
        bad(frame, "label_taken", "label"),
    )
    only = (replace(factors[0], kept=True),)
    old = v.BackupStock(remaining=9, total=10, made_at=NOW - 200 * DAY, is_old=True)
    yield "settings-old-codes", replace(full, backup=old), frame
    alone = v.Settings(factors=only, remind=True, backup=v.BackupStock(remaining=0, total=0), browsers=browsers[:1])
    yield "settings-alone", alone, frame
    yield "settings-last-factor", alone, bad(frame, "last_factor", "")
    yield "settings-empty", v.Settings(factors=()), frame


def _ways_on(frame: Frame) -> Iterator[tuple[str, View, Frame]]:
    yield "locked", v.Locked(ref="7Q4M-KX2P", locked_at=NOW - 60), frame
    yield "locked-by-administrator", v.Locked(ref="7Q4M-KX2P", cause="administrator"), replace(frame, contact="")
    recovery = v.Recovery(lost=PHONE, others=(APP, MAIL), backup=CODES, can_request=True, back="/mfa/challenge/a2")
    yield "recovery", recovery, frame
    yield "recovery-alone", replace(recovery, others=(), backup=None), frame
    yield "recovery-about-missing", recovery, bad(frame, "about_missing", "about")
    yield "recovery-waiting", replace(recovery, requested_at=NOW - 7_200, ref="9WZ3C"), frame
    yield "recovery-contact", replace(recovery, can_request=False), frame
    yield "recovery-sent", v.RecoverySent(ref="9WZ3C", back="/mfa/challenge"), frame
    slow = replace(recovery, wait=3 * 86_400, others=(), backup=None)
    asked = replace(slow, can_request=False, requested_at=NOW - 7_200, ref="9WZ3C", opens_at=NOW + 252_000)
    yield "recovery-slow", slow, frame
    yield "recovery-slow-waiting", asked, frame
    yield "recovery-slow-open", replace(asked, opens_at=NOW - 60, open=True), frame
    yield "recovery-slow-not-open", asked, bad(frame, "not_open", "")
    yield "recovery-slow-sent", v.RecoverySent(ref="9WZ3C", back="/mfa/challenge", opens_at=NOW + 259_200), frame
    text = (
        "# Data Access Agreement\n\nI will use the data that this application shows me only for the purpose for which I was "
        "given access, I will not pass it on, and I will report at once any loss of it that I learn of.\n\n"
        "## What is recorded\n\n- the version of this text\n- the date of my acceptance\n\n1. Read\n2. Accept\n\nThat is all."
    )
    agreement = v.Agreement(title="Data Access Agreement", version="2025-01", text=text, published_at=NOW - 200 * DAY)
    yield "agreement", agreement, frame
    yield "agreement-unticked", agreement, bad(frame, "accept_missing", "accept")
    changes = "Section 2 now says what is recorded."
    yield "agreement-new-version", replace(agreement, accepted_version="2024-01", changes=changes), frame
    nobody = replace(frame, person="", sign_out="")
    yield "agreement-declined", v.AgreementDeclined(title="Data Access Agreement", sign_in="/login"), nobody
    again = v.SignInAgain(why="ip_changed", sign_in="/login", sign_out="/logout")
    yield "sign-in-again", again, frame
    yield "sign-in-again-expired", replace(again, why="expired", sign_out=""), frame
    yield "sign-in-again-there", replace(again, again="https://idp.example/authorize?max_age=0"), frame
    yield "continue", v.Continue(continue_url="/"), frame
    yield "continue-done", v.Continue(continue_url="/", why="done"), frame
    few = v.Continue(continue_url="/", why="done", few_codes=True)
    yield "continue-few-codes", few, told(frame, "backup_used", count=3)
    yield "cookies-off", v.CookiesOff(retry_url="/mfa/challenge"), frame
    yield "wrong-address", v.WrongAddress(url="https://app.example/mfa/challenge"), frame
    here = v.WrongAddress(url="http://localhost:8000/mfa", came="http://127.0.0.1:8000", listed="http://localhost:8000")
    yield "wrong-address-local", here, frame
    yield (
        "approve",
        v.Approve(host="app.example", push_key="BA", icon="/mfa/static/icon-180.png"),
        replace(nobody, here="/mfa/approve"),
    )
    disputed = v.Disputing(
        kind="factor.enrolled", at=NOW - 7_200, url="/mfa/dispute/abc", network="203.0.113.7", ref="9WZ3C"
    )
    yield "dispute", disputed, nobody
    yield "dispute-done", replace(disputed, done=True, undoable=True, place="Boston, MA"), nobody
    yield "framed", v.Framed(url="/mfa/challenge"), frame
    yield "unsent-lost", v.Unsent(back="/records"), frame
    kept = (v.HiddenField(name="text", value='two\nlines with "quotes"'), v.HiddenField(name="csrf_token", value="abc"))
    yield "unsent-kept", v.Unsent(back="/records", target="/records/save?x=1", fields=kept), frame


def desk_pages(frame: Frame = FRAME) -> Iterator[tuple[str, Any, Frame]]:
    """The security team's pages, in the states that are seldom seen elsewhere."""
    desk = admin.Desk(tenant="clinic", rights=("look", "unlock", "reset", "tenant", "audit"), place="tenant")
    days = [Count(day=20_100 + n, enrolled=min(400, n * n // 3), people=380 + n) for n in range(60)]
    tenant = admin.AdminTenant(
        desk=desk,
        enabled_at=NOW - 50 * 86_400,
        checklist=(admin.Tick(id="announced", ok=True, text="The date was announced to everybody."),),
        counts=(("verified", 396), ("not_enrolled", 40), ("locked", 2), ("recovery", 1)),
        total=439,
        enrolled=399,
        missing=40,
        chart=chart_of(days),
        can_end=True,
    )
    yield "admin-tenant", tenant, frame
    several = replace(desk, tenants=("clinic", "practice"))
    yield "admin-tenant-first-day", replace(tenant, desk=several, chart=chart_of(days[:1])), frame
    lines = tuple(
        Line(name=name, asked=n, stops=3 * n, enroll=1, walled_out=n % 2)
        for n, name in enumerate(("export", "freshness"))
    )
    walled = WalledOut(id="eve@clinic.example", why="no_factor", rules=("export",), url="/mfa/admin/accounts/eve")
    would = AdminImpact(
        desk=replace(desk, place="reports/impact"),
        numbers=Line(name="", asked=12, stops=31, enroll=4, walled_out=1, people=40, requests=1_900),
        first=NOW - 30 * 86_400,
        last=NOW,
        chart=chart_of(days),
        tables=(("rule", lines), ("route", (replace(lines[0], name="POST /charts/{id}/export"),))),
        walled_out=(walled,),
        unknown=(("requests that passed without a look (away)", 17),),
        csv_url="/mfa/admin/reports/impact?format=csv",
    )
    yield "admin-impact", would, frame
    yield "admin-impact-nothing", replace(would, numbers=Line(name=""), chart=None, tables=(), walled_out=()), frame
    asked = GrantLine(
        ref="9WZ3C",
        asked_by="boss@clinic.example",
        asked_at=NOW - 600,
        reason="phone in the lake",
        ticket="T-4711",
        hours=4,
        confirmed_by="",
        ends_at=0,
        confirm_until=NOW + 3_000,
        browsers=0,
        own=False,
    )
    person = admin.AdminAccount(
        desk=replace(desk, place="accounts"),
        id="ann@clinic.example",
        name="Ann Example",
        status="recovery",
        url="/mfa/admin/accounts/ann",
        back="/mfa/admin/accounts",
        attempts_left=7,
        recovery_about="My phone fell into the lake.",
        recovery_at=NOW - 7_200,
        held_until=NOW + 79_200,
        grant=asked,
        forms=_forms("lock", "ticket", "confirm", "revoke", "refuse"),
    )
    yield "admin-account-grant-asked", person, frame
    granted = replace(asked, confirmed_by="second@clinic.example", ends_at=NOW + 13_800, browsers=1)
    yield "admin-account-grant-open", replace(person, grant=granted), frame
    asked_act = AskedLine(
        act="reset",
        ref="7Q4M-KX2P",
        asked_by="admin@clinic.example",
        asked_at=NOW - 600,
        reason="phone lost",
        ticket="4711",
        item="",
        confirm_until=NOW + 3_000,
        own=False,
    )
    remove, forget = _forms("remove", "forget-browser")
    yield (
        "admin-account-asked",
        replace(
            person,
            grant=None,
            asked=asked_act,
            forms=_forms("lock", "end-sessions", "forget", "approve", "withdraw"),
            part_forms={"authenticator": remove, "browser": forget},
            factors=(v.FactorLine(id="a1", kind="totp", label="Authenticator app", added_at=NOW - 86_400),),
            browsers=(v.BrowserLine(id="b1", label="Firefox on Linux", network="192.0.2.1", last_used_at=NOW - 60),),
        ),
        frame,
    )
    yield "admin-account-above", replace(person, grant=None, forms=(), above=True), frame
    waiting = admin.Tick(id="message", ok=False, text="A test message has arrived.", markable=True)
    yield "admin-tenant-waits", replace(tenant, enabled_at=0, checklist=(*tenant.checklist, waiting), waits=True), frame
    yield (
        "admin-account-ask-grant",
        replace(person, grant=None, forms=_forms("lock", "ticket", "break-glass", "refuse"), open_form="break-glass"),
        frame,
    )
    slip = Slip(
        id="eve@clinic.example", name="Eve Example", code="S8SX2-P6Y1M-78FC4-V28Q4-TFZ7C-1", ends_at=NOW + 86_400
    )
    fresh = replace(person, grant=None, forms=_forms("ticket", "lock"), slip=slip, not_sent="timeout")
    yield "admin-account-fresh-ticket", fresh, frame
    yield "admin-account-give-ticket", replace(fresh, slip=None, open_form="ticket", can_mail=True), frame
    yield from policy_pages(frame, desk, NOW)
    yield from many_pages(frame, desk, NOW)
    yield from report_pages(frame, desk, NOW)
    yield from what_if_pages(frame, desk, NOW)


def _forms(*names: str) -> tuple[admin.ActForm, ...]:
    rows = (ACTIONS[name] for name in names)
    return tuple(admin.ActForm(name=row.name, fields=row.fields, tone=row.tone) for row in rows)


def _faults(frame: Frame) -> Iterator[tuple[str, View, Frame]]:
    faults: tuple[tuple[int, str, dict[str, Any]], ...] = (
        (404, "not_found", {"back": "/mfa"}),
        (405, "method_not_allowed", {"back": "/mfa"}),
        (413, "too_large", {}),
        (403, "not_allowed", {"back": "/"}),
        (429, "too_soon", {"retry_after": 240, "retry_url": "/mfa/challenge"}),
        (500, "fault", {"retry_url": "/mfa/challenge"}),
        (503, "store_unavailable", {"retry_url": "/mfa/challenge", "retry_after": 5}),
    )
    for status, reason, more in faults:
        yield f"fault-{status}", v.Fault(reason=reason, status=status, ref="7Q4M-KX2P", **more), frame
    yield (
        "fault-without-brand",
        v.Fault(reason="fault", status=503),
        replace(frame, brand_name="", logo="", person=""),
    )


def write(folder: Path, frame_changes: dict[str, Any] | None = None, only: tuple[str, ...] = ()) -> list[str]:
    """Render all pages, or those named by ``only``, with their files; return their names."""
    names = []
    static = folder / "mfa" / "static"
    static.mkdir(parents=True, exist_ok=True)
    for asset in static_assets().values():
        (static / asset.name).write_bytes(asset.content)
    for name, view, given in (*pages(), *desk_pages()):
        if only and name not in only:
            continue
        frame = replace(given, **(frame_changes or {}))
        for plain in ("brand", "favicon"):
            made = brand_file(frame.brand, plain)
            (static / made.name).write_bytes(made.content)
        (folder / f"{name}.html").write_bytes(RENDERER.render(view, frame))
        names.append(name)
    return names


class _Handler(SimpleHTTPRequestHandler):
    """A server of files with the headers that the gate sends.

    So a page that breaks its own policy looks broken here.
    """

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", CSP)
        super().end_headers()

    def do_POST(self) -> None:
        """Answer ``{}`` to a script's request: nothing answers it here."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """``folder`` on a free port of this machine; gives the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=str(folder)))
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def parser() -> ArgumentParser:
    """Make the reader of the options."""
    made = ArgumentParser(description="draws every page")
    made.add_argument("outdir", type=Path)
    made.add_argument("--only", nargs="*", default=[""])
    made.add_argument("--widths", nargs="*", type=int, default=[320, 1280])
    made.add_argument("--schemes", nargs="*", default=["light", "dark"])
    made.add_argument("--lang", default="en")
    made.add_argument("--accent", default="#0b5fff")
    made.add_argument("--forced", action="store_true")
    made.add_argument("--nojs", action="store_true")
    return made


def changes(given: Namespace) -> dict[str, Any]:
    """Return the values that the options give the frame of every page."""
    return {"lang": given.lang, "brand": BrandRules(accent=given.accent)}


def main() -> None:
    """Renders, and takes pictures in all widths and color schemes."""
    from playwright.sync_api import sync_playwright

    given = parser().parse_args()
    names = write(given.outdir, changes(given))
    wanted = [name for name in names if any(name.startswith(prefix) for prefix in given.only)]
    with served(given.outdir) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(**launch())
        for width, scheme in product(given.widths, given.schemes):
            context = browser.new_context(
                viewport={"width": width, "height": 720},
                color_scheme=scheme,
                forced_colors="active" if given.forced else "none",
                java_script_enabled=not given.nojs,
            )
            page = context.new_page()
            for name in wanted:
                page.goto(f"{address}/{name}.html")
                page.screenshot(path=given.outdir / f"{name}-{width}-{scheme}.png", full_page=True)
                if not given.nojs and page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                    print(f"{name}: scrolls sideways at {width}")
            context.close()
        browser.close()


if __name__ == "__main__":
    main()
