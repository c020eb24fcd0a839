"""The texts of messages: their content, their length, and the input that cannot get in."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta, timezone
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mfa_gate.core.messages.alarms import alarm, dispute_alarm, head_mail
from mfa_gate.core.messages.calls import voice_script
from mfa_gate.core.messages.codes import MAX_HOST, email_code, sms_text
from mfa_gate.core.messages.facts import local_time
from mfa_gate.core.messages.letter import Letter
from mfa_gate.core.messages.notices import NOTICES, notice, sms_notice
from mfa_gate.core.messages.texts import Text
from mfa_gate.core.rules import BrandRules
from mfa_gate.core.text_safety import gsm7, one_line, unlinked
from mfa_gate.web.i18n import available, translator
from mfa_gate.web.message_forms import MessageForms

GSM7 = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
LINK = re.compile(r"://|www\.\S|\b[a-z0-9-]+\.[a-z]{2,}\b", re.IGNORECASE)

Translate = Callable[[str], str]


def english(msgid: str) -> str:
    return msgid


def german(msgid: str) -> str:
    return {
        "{code} is your security code for {service}. Valid for {minutes}. Do not share it.": (
            "{code} ist Ihr Sicherheitscode für {service}. Gültig für {minutes}. Geben Sie ihn nicht weiter."
        ),
        "{minutes} minutes": "{minutes} Minuten",
        "1 minute": "1 Minute",
    }.get(msgid, msgid)


def japanese(msgid: str) -> str:
    return "{code}：「{service}」のコード（{minutes}）" if "{service}" in msgid and "{minutes}" in msgid else msgid


def thai(msgid: str) -> str:
    """Write in another alphabet, each time more than one segment."""
    return msgid + " อย่าบอกรหัสนี้แก่ใครเด็ดขาด ไม่ว่าใครจะถามก็ตาม แม้จะเป็นเจ้าหน้าที่ของเราเอง" if "{code}" in msgid else msgid


def wordy(msgid: str) -> str:
    return msgid + " This translator had a lot to say, and said all of it in one single text message." * 2


def sms(**changes: object) -> str:
    fields = {"code": "493817", "service": "Clinic", "minutes": 10, "host": "app.example", "translate": english}
    return sms_text(**(fields | changes))  # type: ignore[arg-type]


def is_one_segment(text: str) -> bool:
    """Tell if a provider sends the text as one message.

    It has 160 characters of GSM-7, or 70 UTF-16 units (3GPP TS 23.038).
    """
    return len(text) <= 160 if all(char in GSM7 for char in text) else len(text.encode("utf-16-le")) <= 140


def test_the_text_message() -> None:
    """A text message begins with the code and ends with the origin-bound line.

    U-7, S-53. Between them are the name, the time of validity, and "do not share".
    """
    assert sms() == (
        "493817 is your security code for Clinic. Valid for 10 minutes. Do not share it.\n@app.example #493817"
    )


@pytest.mark.parametrize(
    ("minutes", "words"), [(10, "10 minutes"), (2, "2 minutes"), (1, "1 minute."), (0, "1 minute.")]
)
def test_minutes_in_words(minutes: int, words: str) -> None:
    """One minute is one minute, and never none."""
    assert f"Valid for {words}" in sms(minutes=minutes)


def test_a_translated_text_message() -> None:
    """The words are the translator's; the last line is not."""
    assert sms(translate=german, service="Praxis Müller") == (
        "493817 ist Ihr Sicherheitscode für Praxis Müller. Gültig für 10 Minuten. Geben Sie ihn nicht weiter."
        "\n@app.example #493817"
    )


@pytest.mark.parametrize("translate", [thai, wordy])
def test_a_translation_that_does_not_fit_gives_way(translate: Translate) -> None:
    """U-7: one segment in every locale; a locale that cannot have it gets English."""
    assert sms(translate=translate) == sms()


def test_another_alphabet_has_its_own_segment() -> None:
    """A language that GSM-7 cannot write gets its words, within 70 characters, and the name."""
    assert sms(translate=japanese, service="診療所") == "493817：「診療所」のコード（10 minutes）\n@app.example #493817"
    assert is_one_segment(sms(translate=japanese, service="診療所" * 30))


CATALOGUES = {lang: translator(lang).gettext for lang in available() if lang != "en"}


@pytest.mark.parametrize("lang", CATALOGUES)
@pytest.mark.parametrize(
    "service", ["Northgate", "مستشفى النور", "The Very Long Name of a Clinic That Has Been Merged"]
)
@pytest.mark.parametrize(("host", "minutes"), [("app.example", 10), ("login.northgate.example", 15)])
def test_a_text_message_in_the_readers_language(lang: str, service: str, host: str, minutes: int) -> None:
    """a code comes in the language of the page, in one segment, and never in English instead."""
    text = sms(translate=CATALOGUES[lang], service=service, host=host, minutes=minutes)
    assert is_one_segment(text)
    assert text.startswith("493817 ")
    assert text.endswith(f"\n@{host} #493817")
    assert "is your" not in text


@pytest.mark.parametrize("lang", CATALOGUES)
@pytest.mark.parametrize("kind", sorted(NOTICES))
def test_a_notice_by_text_in_the_readers_language(kind: str, lang: str) -> None:
    """A notice by text message is one segment in the reader's language, and names the event."""
    said = CATALOGUES[lang]
    for service in ("Northgate", "مستشفى النور", "The Very Long Name of a Clinic That Has Been Merged With Others"):
        text = sms_notice(kind, service=service, translate=said)
        assert is_one_segment(text)
        assert gsm7(said(NOTICES[kind].headline)) in text or said(NOTICES[kind].headline) in text
        assert "administrator." not in text


STOP = "https://a.example/s/K7Q2"


@pytest.mark.parametrize(
    ("own", "stop_url", "taken"),
    [
        ("Ours: {0}", STOP, True),
        ("Ours.", STOP, False),
        ("Ours.", "", True),
        ("", "", False),
        ("x" * 161, "", False),
    ],
)
def test_the_hosts_own_words_for_a_notice(own: str, stop_url: str, taken: bool) -> None:
    """They are taken if they fit and hold the link that stops the thing.

    Without the link nobody could stop it.
    """
    words = own.format(stop_url)
    text = sms_notice(
        "recovery.waiting", service="Northgate", translate=str, form=lambda text: words, stop_url=stop_url
    )
    assert (text == words) is taken
    assert is_one_segment(text)
    assert stop_url in text


def test_the_minutes_that_the_hosts_words_get() -> None:
    """A code that lives for seconds lives for a minute in the words of the host.

    Any other one lives for its own minutes.
    """
    seen: list[int] = []

    def form(text: Text) -> str:
        seen.append(text.minutes)
        return text.text

    for minutes in (0, 1, 2):
        sms(minutes=minutes, form=form)
    assert seen == [1, 1, 2]


def test_a_translation_that_fits_to_the_letter() -> None:
    """It is sent; with one letter more a shorter or an English one takes its place."""
    room = 160 - len("\n@a.example #493817")

    def worded(letters: int) -> Translate:
        short = "{code}" + "x" * (letters - 6)
        return lambda text: short if text == "{code} is your security code." else f"{text}{'x' * 160}"

    for letters, kept in ((room, True), (room + 1, False)):
        text = sms(host="a.example", translate=worded(letters))
        assert text.startswith("493817xx") is kept
        assert is_one_segment(text)


@pytest.mark.parametrize("lang", CATALOGUES)
@pytest.mark.parametrize("kind", sorted(NOTICES))
def test_a_notice_in_the_readers_language(kind: str, lang: str) -> None:
    """U-64: no sentence of a notice stays English, and no value is lost."""
    words = notice(
        kind, service="Northgate", when_text="14:05", where="203.0.113.9", ref="K7Q2", owner="Ann", wrong=2,
        label="App", dispute_url="https://a.example/x", translate=CATALOGUES[lang],
    )  # fmt: skip
    english = notice(
        kind, service="Northgate", when_text="14:05", where="203.0.113.9", ref="K7Q2", owner="Ann", wrong=2,
        label="App", dispute_url="https://a.example/x", translate=str,
    )  # fmt: skip
    ours = {line for line in english.text.splitlines() if line and not line.startswith(("https:", "Name:"))}
    assert ours.isdisjoint(words.text.splitlines())
    assert words.title != english.title
    for value in ("Northgate", "14:05", "203.0.113.9", "K7Q2", "Ann", "https://a.example/x"):
        assert value in words.text


@pytest.mark.parametrize(
    ("service", "shown"),
    [
        ("Žluťoučký kůň", "Zlutoucky kun"),
        ("Łódź “Care” – [beta]", 'Lodz "Care" - (beta)'),
        ("診療所", "app.example"),
        ("Ελληνικά ΑΒΓ", "app.example"),
        ("", "app.example"),
        ("Café ❤ App", "Café App"),
        ("A\nB\x00C\u202eD", "A B C D"),
        ("€ Bank", "EUR Bank"),
    ],
)
def test_names_in_gsm7(service: str, shown: str) -> None:
    """A name is spelled in the characters that fit one segment.

    A name that has none of them is replaced by the host.
    """
    assert f"code for {shown}." in re.sub(" +", " ", sms(service=service))


def test_a_long_name_is_cut() -> None:
    """The name gives way, not the words or the last line."""
    text = sms(service="The Very Long Name of a Clinic That Has Been Merged With Several Others Over the Years")
    assert len(text) == 160
    assert text.startswith("493817 is your security code for The Very Long Name of a Clinic")
    assert "Do not share it.\n@app.example #493817" in text


@settings(deadline=None, max_examples=60)
@given(
    service=st.text(max_size=400),
    host=st.from_regex(r"[a-z0-9](?:[a-z0-9.-]{0,98}[a-z0-9])?", fullmatch=True),
    code=st.from_regex(r"[0-9]{4,10}", fullmatch=True),
    minutes=st.integers(0, 1440),
    translate=st.sampled_from([english, german, japanese, wordy]),
)
@example(service="ﷺ" * 300, host="a" * MAX_HOST, code="0" * 10, minutes=1440, translate=german)
@example(service="{code} {0} {", host="a.example", code="123456", minutes=10, translate=english)
def test_every_text_message_is_one_segment(
    service: str, host: str, code: str, minutes: int, translate: Translate
) -> None:
    """A text message has at most 160 GSM-7 characters for any name.

    U-7. The code stands first, and alone in the bound last line.
    """
    text = sms_text(code=code, service=service, minutes=minutes, host=host, translate=translate)
    assert is_one_segment(text)
    assert text.startswith(code)
    assert text.count("\n") == 1
    assert text.splitlines()[1] == f"@{host} #{code}"


@pytest.mark.parametrize("host", ["a" * (MAX_HOST + 1), "münchen.example", "a b", "a\nb", "a[b"])
def test_hosts_that_cannot_be_written(host: str) -> None:
    """A host that is too long or not ASCII is an error for the operator, and is never cut."""
    with pytest.raises(ValueError):
        sms(host=host)


def test_a_long_host_leaves_the_name_out() -> None:
    """A host that leaves no room for the name makes the text shorter.

    The last line stays whole.
    """
    assert sms(host="h" * 76, service="A Clinic") == (
        f"493817 is your security code. Valid for 10 minutes. Do not share it.\n@{'h' * 76} #493817"
    )
    assert sms(host="h" * MAX_HOST) == f"493817 is your security code.\n@{'h' * MAX_HOST} #493817"


def test_a_code_that_does_not_fit() -> None:
    """A code is never cut."""
    with pytest.raises(ValueError):
        sms(code="1" * 120)


class _Page(HTMLParser):
    """The tags, attributes and words of a document."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links.extend(value or "" for name, value in attrs if name in ("href", "src", "background", "action"))

    def handle_data(self, data: str) -> None:
        self.words += data


def code_email(**changes: object) -> tuple[str, str, _Page]:
    fields = {
        "code": "493817",
        "service": "Clinic",
        "minutes": 10,
        "where": "network 203.0.113.9, Chrome on Windows",
        "when_text": "3 March 2025, 14:05 UTC",
        "owner": "security@clinic.example",
        "purpose": "sign-in",
        "translate": english,
    }
    words = email_code(**(fields | changes))  # type: ignore[arg-type]
    return words.subject, words.text, page_of(words)


def page_of(letter: Letter) -> _Page:
    """Read the HTML form of a letter."""
    return _Page(MessageForms().letter(letter, "en", BrandRules()).html)


def test_the_email_with_a_code() -> None:
    """A mail with a code has the code first in its subject and alone on a line.

    U-8. It says the time, the place and the validity, and the steps to take if it was somebody else.
    """
    subject, text, page = code_email()
    assert subject == "493817 is your security code for Clinic"
    assert "493817" in text.splitlines()
    assert "expires in 10 minutes" in text
    assert "When: 3 March 2025, 14:05 UTC" in text
    assert "Where: network 203.0.113.9, Chrome on Windows" in text
    assert "If this wasn’t you, change your password and tell security@clinic.example right away." in text
    assert set(page.tags).isdisjoint({"a", "img", "script", "link", "iframe", "form"})
    assert page.links == []
    for line in text.splitlines():
        assert line in page.words


def test_the_code_can_stay_out_of_the_subject() -> None:
    """U-8: lock screens show subjects, so the code can be kept out of it."""
    subject, text, _ = code_email(code_in_subject=False)
    assert subject == "Your security code for Clinic"
    assert "493817" in text


@pytest.mark.parametrize(
    ("purpose", "words"),
    [
        ("sign-in", "where you’re signing in"),
        ("enroll", "setting up security codes"),
        ("contact", "this address is yours"),
        ("anything", "the page that asked for it"),
    ],
)
def test_what_the_code_is_for(purpose: str, words: str) -> None:
    """The mail says what the code does, so that one for another purpose is noticed."""
    assert words in code_email(purpose=purpose)[1]


def test_what_is_not_known_is_not_said() -> None:
    """Without time, place and owner there are no empty lines of them."""
    _, text, _ = code_email(when_text="", where="", owner="")
    assert "When" not in text
    assert "Where" not in text
    assert "tell your administrator right away" in text


ATTACKS = [
    "x\r\nBcc: eve@evil.example",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "Visit https://evil.example/login now",
    "www.evil.example",
    "https : // evil.example",
    "evil\uff0eexample/login",
    "evil\u3002example/login",
    "ev\u200bil.example",
    "abc\u202e\u2066moc.live",
    "\x1b[31mred\x00",
    "a" * 500,
    "{code} {service.__class__}",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_users_write_cannot_reach_subject_or_become_a_link(attack: str) -> None:
    """A label that a user wrote is one short line in the body, never in the subject.

    S-54. It has no links, no markup, and no control or direction characters.
    """
    words = notice("factor.enrolled", service="Clinic", when_text="now", where=attack, label=attack, translate=english)
    assert words.subject == "Clinic: A sign-in method was added"
    named = next(line for line in words.text.splitlines() if line.startswith("Name:"))
    assert len(named) <= len("Name: “”") + 40
    assert all(char.isprintable() for char in words.text.replace("\n", ""))
    assert not LINK.search(words.text)
    page = page_of(words)
    harmless = notice("factor.enrolled", service="Clinic", when_text="now", where="x", label="y", translate=english)
    assert page.tags == page_of(harmless).tags
    assert page.links == []


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_name_breaks_a_header_or_the_page(attack: str) -> None:
    """S-54: the service's name, too, is one line and only text."""
    words = email_code(code="493817", service=attack, minutes=10, translate=english)
    assert words.subject.isprintable()
    assert words.subject.startswith("493817 is your security code for ")
    assert len(words.subject) < 100
    harmless = email_code(code="493817", service="Clinic", minutes=10, translate=english)
    assert page_of(words).tags == page_of(harmless).tags


@settings(deadline=None)
@given(st.text(max_size=200), st.integers(2, 60))
def test_one_line_is_one_line(text: str, limit: int) -> None:
    """Any input becomes one printable line of at most the limit.

    Doing it again changes nothing.
    """
    line = one_line(text, limit=limit)
    assert len(line) <= limit
    assert line.isprintable()
    assert one_line(line, limit=limit) == line


@settings(deadline=None)
@given(st.text(alphabet="abc.:/ w1。\uff0e\u200b@", max_size=80))
def test_no_spelling_of_a_link_survives(text: str) -> None:
    """S-54: no mail program finds an address in a label."""
    assert not LINK.search(unlinked(text))


@settings(deadline=None)
@given(st.text(max_size=100))
def test_gsm7_is_gsm7(text: str) -> None:
    """Every character that comes out takes one septet."""
    assert set(gsm7(text)) <= set(GSM7)


@pytest.mark.parametrize(
    "text", ["Version 17.2", "network 203.0.113.9", "Anna's phone (old)", "2001:db8::1", "日本の電話"]
)
def test_harmless_labels_stay_as_they_are(text: str) -> None:
    """A text without a link is not changed."""
    assert unlinked(text) == text


@pytest.mark.parametrize("kind", sorted(NOTICES))
def test_every_notice(kind: str) -> None:
    """Each notice says the event, its place and its time.

    S-87. It also says the steps to take if it was somebody else. It contains no secret.
    """
    words = notice(
        kind,
        service="Clinic",
        when_text="3 March 2025, 14:05 UTC",
        where="203.0.113.9",
        label="Anna's phone",
        owner="the help desk",
        dispute_url="https://clinic.example/mfa/dispute/abc?x=1&y=2",
        translate=english,
    )
    lines = words.text.splitlines()
    assert words.subject.startswith("Clinic: ")
    assert "Clinic" in lines[0]
    assert {"When: 3 March 2025, 14:05 UTC", "Where: 203.0.113.9", "Name: “Anna's phone”"} <= set(lines)
    assert "If this wasn’t you, change your password and tell the help desk right away." in lines
    assert "https://clinic.example/mfa/dispute/abc?x=1&y=2" in lines
    assert page_of(words).links == ["https://clinic.example/mfa/dispute/abc?x=1&y=2"]


@pytest.mark.parametrize("kind", sorted(NOTICES))
def test_notices_are_easy_to_read(kind: str) -> None:
    """U-67: sentences of at most 20 words."""
    words = notice(kind, service="Clinic", when_text="", translate=english)
    for sentence in re.split(r"[.\n]", words.text):
        assert len(sentence.split()) <= 20, sentence


def test_each_notice_says_what_to_do_next() -> None:
    """somebody who is locked out must ask somebody; the mail says whom, and the reference."""
    words = notice(
        "account.locked", service="Clinic", when_text="", ref="K7Q2", owner="the help desk", translate=english
    )
    assert "you don’t need to do anything" not in words.text
    assert "ask the help desk to unlock it. Give them the reference" in words.text
    assert "Reference: K7Q2" in words.text
    for kind in ("account.reset", "recovery.refused", "proofs.revoked", "break_glass.ended"):
        assert (
            "you don’t need to do anything" not in notice(kind, service="Clinic", when_text="", translate=english).text
        )


def test_wrong_codes_before_a_success_stand_in_its_notice() -> None:
    """Somebody who guessed before the success is told of in the same mail; no line says none."""
    told = notice("backup_code.used", service="Clinic", when_text="", wrong=3, translate=english).text
    assert "Wrong codes before it: 3" in told
    assert "Wrong codes" not in notice("backup_code.used", service="Clinic", when_text="", translate=english).text


def test_notices_that_must_be_there() -> None:
    """Every change of an account's second factor has its notice."""
    assert {
        "factor.enrolled",
        "factor.removed",
        "factor.changed",
        "factor.replaced",
        "backup_codes.made",
        "backup_code.used",
        "browser.new",
        "browser.new_network",
        "account.locked",
        "account.unlocked",
        "account.reset",
        "recovery.requested",
        "recovery.refused",
        "recovery.waiting",
        "recovery.reminded",
        "recovery.restarted",
        "recovery.open",
        "recovery.used",
        "proofs.revoked",
        "account.dispute_undone",
        "enrollment.ticket",
        "act.asked",
        "break_glass.asked",
        "break_glass.granted",
        "break_glass.used",
        "break_glass.ended",
    } == NOTICES.keys()


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://a b", "https://a\nb", "//a", "data:text/html,x"])
def test_only_an_address_is_a_dispute_url(url: str) -> None:
    """Only an http(s) address can become the one link in a notice."""
    with pytest.raises(ValueError):
        notice("account.locked", service="Clinic", when_text="", dispute_url=url, translate=english)


def test_no_notice_of_what_is_unknown() -> None:
    """A kind without words is a mistake of the caller."""
    with pytest.raises(ValueError, match=r"policy\.loaded"):
        notice("policy.loaded", service="Clinic", when_text="", translate=english)


@pytest.mark.parametrize("broken", ["Ihr Code", "{code} {", "{0} {code}", "{code.nothing}", "{other}"])
def test_a_broken_translation_loses_no_code(broken: str) -> None:
    """A broken translation falls back to English.

    A mail is never sent without its code.
    """
    subject, text, _ = code_email(translate=lambda _: broken)
    assert subject == "493817 is your security code for Clinic"
    assert "493817" in text
    assert sms(translate=lambda _: broken).startswith("493817 is your security code")


def test_a_call_that_confirms() -> None:
    """S-56: a call greets and asks for a key; nothing happens before it."""
    script = voice_script(service="Clinic", translate=english)
    assert "Clinic" in script.greeting
    assert "press the pound key" in script.prompt
    assert script.confirmed == "Thank you. You can go back to your browser."


def test_a_call_that_reads_a_code() -> None:
    """A call reads the code twice, digit by digit, and only after the key was pressed.

    S-56. So a voice mailbox never records it.
    """
    script = voice_script(service="Clinic", translate=english, confirm="code", code="493817")
    assert script.confirmed.count("4, 9, 3, 8, 1, 7") == 2
    before = script.greeting + script.prompt + script.goodbye
    assert not any(digit in before for digit in "493817")
    assert "press the pound key" in script.prompt
    with pytest.raises(ValueError):
        voice_script(service="Clinic", translate=english, confirm="code")


def test_no_code_in_a_repr() -> None:
    """S-48: neither an e-mail's words nor a call's show the code when printed by accident."""
    words = email_code(code="493817", service="Clinic", minutes=10, translate=english)
    script = voice_script(service="Clinic", translate=english, confirm="code", code="493817")
    assert "493817" not in repr(words)
    assert "4, 9" not in repr(script)


@pytest.mark.parametrize(
    ("id", "shown"),
    [
        ("u08@hospital.example", "Account: u08@hospital.example\n"),
        ("see evil.example", "Account: see evil. example\n"),
        ("https://evil.example/users/7", "Account: https: evil. example/users/7\n"),
    ],
)
def test_an_id_stays_whole(id: str, shown: str) -> None:
    """K-18: an id that is an address can be copied; any other text makes no link (S-54)."""
    facts = {"account": id, "ref": "REF"}
    mail = dispute_alarm(service="Clearview", facts=facts, translate=str)
    assert shown in mail.text


def test_no_alarm_of_what_is_unknown() -> None:
    """A kind that the administrators get no alarm of is a fault of the caller."""
    with pytest.raises(ValueError, match="no alarm"):
        alarm("nonsense", service="Clinic", facts={}, translate=english)


def test_the_mail_with_the_head_of_a_trail() -> None:
    """The owner gets the head itself, and the command that compares it."""
    letter = head_mail(service="Clinic", tenant="alpha", lines=7, head="HEAD-1", translate=english)
    assert all(words in letter.text for words in ("HEAD-1", "alpha", "7", "mfa-gate audit verify --expect"))


def test_a_zone_without_a_name() -> None:
    """A zone that has no name in letters is told by its distance from UTC."""
    assert local_time(0, timezone(timedelta(hours=5, minutes=45)), english).endswith("5:45 UTC+05:45")
    assert local_time(0, ZoneInfo("Asia/Kathmandu"), english).endswith("UTC+05:30")
    assert local_time(0, ZoneInfo("Europe/Berlin"), english).endswith("CET")
