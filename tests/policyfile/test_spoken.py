"""Sentences that people read: one text, or one a language."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import pytest

from mfa_gate.core.rules import Policy
from mfa_gate.core.spoken import Spoken, spoken_in, texts_of
from mfa_gate.errors import SettingsError
from mfa_gate.policyfile import parse_policy
from mfa_gate.policyfile.tools.schema import json_schema
from tests.harness import make_world, running

HEAD = 'version = 1\nname = "x"\n[enrollment]\nstage = "required"\nfirst = "open"\n'
CONTACT = HEAD + '[recovery]\ncontact = { en = "Call 4400.", de = "Rufen Sie 4400 an.", pt = "Ligue para 4400." }\n'


def loads_policy(text: str) -> Policy:
    """Read a policy without other files."""
    return parse_policy(text, base=Path())


def test_a_text_or_one_a_language() -> None:
    """English is for all others; a language's main part is enough."""
    contact = loads_policy(CONTACT).base.recovery.contact
    assert contact == Spoken(by={"en": "Call 4400.", "de": "Rufen Sie 4400 an.", "pt": "Ligue para 4400."})
    assert contact != "Call 4400."
    said = [spoken_in(contact, lang) for lang in ("en", "de", "pt-BR", "ar")]
    assert said == ["Call 4400.", "Rufen Sie 4400 an.", "Ligue para 4400.", "Call 4400."]
    assert spoken_in("Call us.", "de") == "Call us."
    assert Spoken("Call us.") == "Call us."
    assert texts_of(Spoken(by={"de": "Ja"})) == ("Ja",)
    for copied in (copy.deepcopy(contact), pickle.loads(pickle.dumps(contact))):
        assert copied == contact


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("{}", "an empty table says nothing"),
        ('{ English = "Call." }', '"English" is no language'),
        ("{ en = 4400 }", "is not text"),
        ('{ en = "Call.", de = "' + "x" * 501 + '" }', "at most 500 printable characters"),
        ("4400", "is not text"),
        ('{ en = "Call.", de = "" }', 'recovery.contact.*"" for "de" says nothing; .* leave "de" out'),
        ('{ en = " ", de = "Ja." }', '" " for "en" says nothing'),
        ('"  "', "says nothing; write the sentence, or take the key out"),
    ],
)
def test_what_is_no_sentence(value: str, fault: str) -> None:
    """Each fault names the key and what to write."""
    with pytest.raises(SettingsError, match=fault):
        loads_policy(HEAD + f"[recovery]\ncontact = {value}\n")


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ('""', "1 to 80 printable characters"),
        ('{ en = "Export", de = "  " }', '"  " for "de" says nothing'),
        ('"' + "x" * 81 + '"', "1 to 80 printable characters"),
        ('"Export\\nof all"', "1 to 80 printable characters"),
        ('["Export"]', "is not text"),
        ('{ English = "Export" }', '"English" is no language'),
    ],
)
def test_what_is_no_name_of_an_action(value: str, fault: str) -> None:
    """The fault stands at the key of its rule."""
    rule = f'[[step_up]]\nname = "export"\npaths = ["=/export"]\nmax_age = "5m"\nlabel = {value}\n'
    with pytest.raises(SettingsError, match=fault) as raised:
        loads_policy(HEAD + rule)
    assert "label" in str(raised.value)


@pytest.mark.parametrize("word", ["دیجی\u200cکالا", "क्\u200dष"])
def test_a_script_that_needs_joiners(word: str) -> None:
    """Names, sentences and groups may be written in Persian and Hindi.

    A joiner among ASCII letters would hide in a name.
    """
    text = (
        'version = 1\nname = "{0}"\n[brand]\nname = "{0}"\n[recovery]\ncontact = "{0}"\n'
        '[[step_up]]\nname = "export"\npaths = ["=/export"]\nmax_age = "5m"\ngroups_any = ["{0}"]\n'
    )
    policy = loads_policy(text.replace("{0}", word))
    assert (policy.name, policy.base.brand.name, policy.base.step_up[0].groups_any) == (word, word, (word,))
    with pytest.raises(SettingsError) as raised:
        loads_policy(text.replace("{0}", "pay\u200dpal"))
    assert len(raised.value.faults) == 4


def test_no_sentence_at_all_is_said_by_an_empty_text() -> None:
    """One empty text stands for none, where the key takes it."""
    assert loads_policy(HEAD + '[recovery]\ncontact = ""\n').base.recovery.contact == ""


def test_no_key_takes_a_language_without_a_text() -> None:
    """Each key whose text may be one a language refuses an empty one, and names itself."""
    texts = {
        "recovery.contact": "[recovery]\ncontact = %s\n",
        "factors.sms.consent_text": "[factors.sms]\nconsent_text = %s\n",
        "factors.voice.consent_text": "[factors.voice]\nconsent_text = %s\n",
        "label": '[[step_up]]\nname = "a"\npaths = ["=/a"]\nmax_age = "5m"\nlabel = %s\n',
        "tenants.t.recovery.contact": "[tenants.t.recovery]\ncontact = %s\n",
    }
    for key, text in texts.items():
        with pytest.raises(SettingsError, match=f'{key}.*"" for "fr" says nothing'):
            loads_policy(HEAD + text % '{ en = "Words.", fr = "" }')


def test_the_schema_knows_both() -> None:
    """Editors take a text and a table."""
    schema = json_schema()["properties"]
    for place in (
        schema["recovery"]["properties"]["contact"],
        schema["factors"]["properties"]["sms"]["properties"]["consent_text"],
        schema["step_up"]["items"]["properties"]["label"],
    ):
        assert [kind["type"] for kind in place["anyOf"]] == ["string", "object"]


async def test_people_read_their_own() -> None:
    """The page of the number has the sentence in the language of the page."""
    consent = '[factors.sms]\nconsent_text = { en = "Fees may apply.", de = "Es können Gebühren anfallen." }\n'
    text = CONTACT + '[factors]\nallowed = ["sms"]\norder = ["sms"]\n' + consent
    told = {"de": "Es können Gebühren anfallen.", "en": "Fees may apply.", "fr": "Fees may apply."}
    async with running(make_world(policy=loads_policy(text))) as world:
        ann = await world.browser()
        for lang, said in told.items():
            ann.cookies["mfa-lang"] = lang
            assert said in (await ann.page("/mfa/enroll/sms")).text, lang
