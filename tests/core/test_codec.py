"""The codec between accounts and bytes: no loss, no half-read damage, old bytes for ever.

A document that was stored once can always be read.
"""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mfa_gate.core import codec
from mfa_gate.core.codec import FORMAT, NewerDocument, UnreadableAccount, decode, encode
from mfa_gate.core.model import (
    Acceptance,
    Account,
    Asked,
    Attempts,
    Authenticator,
    Browser,
    Challenge,
    Enrollment,
    Grant,
    Leave,
    Lock,
    Proof,
    Recovery,
    Sent,
    SubjectKey,
    Ticket,
    Twin,
)

KEY = SubjectKey("clinic", "ann")
RECORDS = (
    *(Account, Attempts, Lock, Authenticator, Challenge, Enrollment, Browser, Proof, Twin, Sent, Ticket, Leave),
    *(Acceptance, Asked, Grant, Recovery),
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)
plain: dict[str, st.SearchStrategy[Any]] = {
    "str": st.text(),
    "int": st.integers(),
    "bool": st.booleans(),
    "Fields": st.dictionaries(st.text(max_size=9), json_values, max_size=4),
    "tuple[tuple[str, int], ...]": st.lists(st.tuples(st.text(), st.integers()), max_size=3).map(tuple),
    "tuple[tuple[int, int], ...]": st.lists(st.tuples(st.integers(), st.integers()), max_size=3).map(tuple),
}


def anything_of(cls: type) -> st.SearchStrategy[Any]:
    """Every value that the fields' types allow, of every record."""
    parts: dict[str, st.SearchStrategy[Any]] = {}
    for item in fields(cls):
        kind = str(item.type)
        name = kind.removeprefix("tuple[").removesuffix(", ...]").removesuffix(" | None")
        record = next((r for r in RECORDS if r.__name__ == name), None)
        if record is None:
            parts[item.name] = plain[kind] if kind != "SubjectKey" else st.just(KEY)
        elif kind.startswith("tuple"):
            parts[item.name] = st.lists(anything_of(record), max_size=2).map(tuple)
        elif kind.endswith("None"):
            parts[item.name] = st.none() | anything_of(record)
        else:
            parts[item.name] = anything_of(record)
    return st.builds(cls, **parts)


accounts = anything_of(Account)


@settings(max_examples=30, deadline=None)
@given(accounts)
def test_round_trip(account: Account) -> None:
    """Every account whatever comes back equal, with the version that the store says."""
    assert decode(KEY, account.version, encode(account)) == account


def test_what_is_empty_is_short() -> None:
    """Parts that say nothing are not written; key and version are the store's."""
    assert encode(Account(key=KEY, version=7)) == b'{"f":1,"a":{}}'
    assert decode(KEY, 3, b'{"f":1,"a":{}}') == Account(key=KEY, version=3)


def test_text_that_is_no_text_comes_back() -> None:
    """A lone surrogate in some host's name makes no account unwritable."""
    account = Account(key=KEY, name="\ud800 \N{GRINNING FACE}\x00")
    assert decode(KEY, 0, encode(account)) == account


GOLDEN = (
    '{"f":1,"a":{"e":2,"s":1900000000,"a":{"u":3,"s":4,"c":1899999990,"d":[[21990,2],[21991,1]]},'
    '"l":{"a":1899999991,"c":"attempts","r":"REF","ac":"boss"},'
    '"au":[{"i":"auth-1","f":"totp","l":"Téléphone","c":1890000000,"d":{"secret":"sealed","step":63333333,"n":[1,null]},'
    '"la":1899999000,"las":"198.51.100.7","r":1}],"d":"auth-1",'
    '"c":[{"i":"ch-1","f":"email","p":"sign-in","t":"auth-1","b":"browser","is":1899999900,"e":1900000500,'
    '"d":{"code":"digest"},"s":1899999950,"st":"undelivered"}],'
    '"en":[{"i":"en-1","f":"sms","l":"Text","b":"browser","s":1899999800,"e":1900001600,"d":{"to":"sealed"}}],'
    '"b":[{"i":"br-1","h":"handle","l":"Firefox on Linux","c":1890000001,'
    '"p":[{"f":"totp","a":"auth-1","at":1899999000,"n":"198.51.100.7","e":2,"p":true,"u":true,"s":"mark"}],'
    '"la":1899999000,"t":{"a":"answer","h":"before","at":1899999000},"las":"auth-1","k":"client"}],'
    '"sk":[["s:mark",1899990000]],"ski":5,"le":{"k":"ticket","b":"browser","a":1899999700},'
    '"se":[{"f":"email","a":1899999900}],"t":{"d":"digest","e":1900003600,"a":"boss","r":"T-1"},'
    '"ac":[{"a":"data","v":"2025-01","d":"sha","at":1899000000,"n":"198.51.100.7","s":"mark"}],'
    '"r":{"r":"REC","a":1899998000,"ab":"lost it","n":"203.0.113.9"},"f":1900000600,"h":"user","n":"Ann"}}'
)
"""A document of format 1 as released. It is never edited: what is stored in the world looks like this."""

WRITTEN = Account(
    key=KEY,
    version=12,
    epoch=2,
    seen_at=1_900_000_000,
    attempts=Attempts(used=3, series=4, charged_at=1_899_999_990, days=((21_990, 2), (21_991, 1))),
    lock=Lock(at=1_899_999_991, cause="attempts", ref="REF", actor="boss"),
    authenticators=(
        Authenticator(
            id="auth-1",
            factor="totp",
            label="Téléphone",
            created_at=1_890_000_000,
            data={"secret": "sealed", "step": 63_333_333, "n": [1, None]},
            last_used_at=1_899_999_000,
            last_network="198.51.100.7",
            revision=1,
        ),
    ),
    default="auth-1",
    challenges=(
        Challenge(
            id="ch-1",
            factor="email",
            purpose="sign-in",
            target="auth-1",
            browser="browser",
            issued_at=1_899_999_900,
            expires_at=1_900_000_500,
            data={"code": "digest"},
            spent_at=1_899_999_950,
            status="undelivered",
        ),
    ),
    enrollments=(
        Enrollment(
            id="en-1",
            factor="sms",
            label="Text",
            browser="browser",
            started_at=1_899_999_800,
            expires_at=1_900_001_600,
            data={"to": "sealed"},
        ),
    ),
    browsers=(
        Browser(
            id="br-1",
            handle="handle",
            label="Firefox on Linux",
            created_at=1_890_000_001,
            proofs=(
                Proof(
                    factor="totp",
                    authenticator="auth-1",
                    at=1_899_999_000,
                    network="198.51.100.7",
                    epoch=2,
                    phishing_resistant=True,
                    user_verified=True,
                    session="mark",
                ),
            ),
            last_used_at=1_899_999_000,
            twin=Twin(answer="answer", handle="before", at=1_899_999_000),
            last_factor="auth-1",
            kind="client",
        ),
    ),
    skips=(("s:mark", 1_899_990_000),),
    skip_count=5,
    leave=Leave(kind="ticket", browser="browser", at=1_899_999_700),
    sent=(Sent(factor="email", at=1_899_999_900),),
    ticket=Ticket(digest="digest", expires_at=1_900_003_600, actor="boss", ref="T-1"),
    acceptances=(
        Acceptance(
            agreement="data",
            version="2025-01",
            digest="sha",
            at=1_899_000_000,
            network="198.51.100.7",
            session="mark",
        ),
    ),
    recovery=Recovery(ref="REC", at=1_899_998_000, about="lost it", network="203.0.113.9"),
    frozen_until=1_900_000_600,
    handle="user",
    name="Ann",
)
DEFAULTS = Account(
    key=KEY,
    browsers=(Browser(id="b", handle="h", label="l", created_at=1),),
    challenges=(
        Challenge(
            id="c",
            factor="f",
            purpose="p",
            target="t",
            browser="b",
            issued_at=1,
            expires_at=2,
            spent_at=0,
            status="pending",
        ),
    ),
)
SHORT = (
    '{"f":1,"a":{"c":[{"i":"c","f":"f","p":"p","t":"t","b":"b","is":1,"e":2}],"b":[{"i":"b","h":"h","l":"l","c":1}]}}'
)


def test_what_was_stored_is_read_for_ever() -> None:
    """The frozen document still has its meaning, and is still written byte for byte.

    F-20.
    """
    assert decode(KEY, 12, GOLDEN.encode()) == WRITTEN
    assert encode(WRITTEN).decode() == GOLDEN


def test_what_was_left_out_means_what_it_meant() -> None:
    """Parts at their defaults were not written: the defaults of format 1 are frozen with it."""
    found = decode(KEY, 0, SHORT.encode())
    assert found == DEFAULTS
    assert (found.browsers[0].kind, found.challenges[0].status, found.epoch, found.lock) == (
        "browser",
        "pending",
        0,
        None,
    )
    assert encode(DEFAULTS).decode() == SHORT


@pytest.mark.parametrize("cls", RECORDS, ids=lambda cls: cls.__name__)
def test_every_field_has_a_name_of_its_own(cls: type) -> None:
    """A field that is added, or moved, needs a row of its own and takes no other field's name."""
    names = codec._NAMES[cls]
    assert set(names) == {item.name for item in fields(cls)} - (
        {"key", "version", "stamp"} if cls is Account else set()
    )
    assert len(set(names.values())) == len(names)


@pytest.mark.parametrize("written", [0, 2, 99, -1, "1", 1.0, True, None, [1]])
def test_another_format_is_refused(written: object) -> None:
    """A document of a newer version is refused, never read half.

    F-20. A document without a version is refused too.
    """
    with pytest.raises(UnreadableAccount) as caught:
        decode(KEY, 1, json.dumps({"f": written, "a": {}}).encode())
    assert isinstance(caught.value, NewerDocument) is (written in (2, 99))


def test_a_part_that_is_not_known_is_refused() -> None:
    """An account with a field of a newer version is refused.

    F-20, S-83. The next write would drop the field.
    """
    for body in ('{"f":1,"a":{"zz":1}}', '{"f":1,"a":{"a":{"zz":1}}}', GOLDEN.replace('"las"', '"laz"')):
        with pytest.raises(NewerDocument, match="does not know"):
            decode(KEY, 1, body.encode())


def test_older_formats_are_upgraded_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """A document of format N is rewritten N to N + 1 before it is read."""
    monkeypatch.setattr(codec, "FORMAT", FORMAT + 1)
    monkeypatch.setitem(codec.UPGRADES, FORMAT, lambda packed: {**packed, "n": "upgraded"})
    assert decode(KEY, 1, b'{"f":1,"a":{"e":5}}') == Account(key=KEY, version=1, epoch=5, name="upgraded")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"a"',
        b"{}",
        b'{"f":1}',
        b'{"a":{}}',
        b'{"f":1,"a":[]}',
        b'{"f":1,"a":null}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'{"f":1,"a":{"e":"1"}}',
        b'{"f":1,"a":{"e":true}}',
        b'{"f":1,"a":{"e":1.5}}',
        b'{"f":1,"a":{"e":null}}',
        b'{"f":1,"a":{"n":5}}',
        b'{"f":1,"a":{"au":{}}}',
        b'{"f":1,"a":{"au":""}}',
        b'{"f":1,"a":{"au":null}}',
        b'{"f":1,"a":{"au":[5]}}',
        b'{"f":1,"a":{"au":[{}]}}',
        b'{"f":1,"a":{"l":null}}',
        b'{"f":1,"a":{"l":[]}}',
        b'{"f":1,"a":{"l":{}}}',
        b'{"f":1,"a":{"sk":["ab"]}}',
        b'{"f":1,"a":{"sk":[["a"]]}}',
        b'{"f":1,"a":{"sk":[["a",1,2]]}}',
        b'{"f":1,"a":{"sk":[[1,"a"]]}}',
        b'{"f":1,"a":{"a":{"d":[["1",2]]}}}',
        b'{"f":1,"a":{"au":[{"i":"i","f":"f","l":"l","c":1,"d":[]}]}}',
        b'{"f":1,"a":{"e":' + b"9" * 5000 + b"}}",
    ],
)
def test_damage_is_told_as_such(body: bytes) -> None:
    """A damaged document is an error of one kind.

    F-8, F-19. It is never an account that has lost its factors.
    """
    with pytest.raises(UnreadableAccount):
        decode(KEY, 1, body)


@pytest.mark.parametrize("packed", ["[]", "7", "null", '"text"'])
def test_an_account_that_is_no_object(packed: str) -> None:
    """The operator reads what is wrong with the document."""
    with pytest.raises(UnreadableAccount, match="Account is no object"):
        decode(KEY, 1, f'{{"f":1,"a":{packed}}}'.encode())


def typed_as_declared(value: Any) -> bool:
    """Return True if every plain field of an account holds a value of its declared type."""
    kinds = {"str": str, "int": int, "bool": bool, "Fields": dict}
    for item in fields(value):
        part = getattr(value, item.name)
        kind = kinds.get(str(item.type))
        if kind is not None and type(part) is not kind:
            return False
        inner = part if isinstance(part, tuple) else (part,)
        if any(type(one) in RECORDS and not typed_as_declared(one) for one in inner):
            return False
    return True


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_bytes_are_refused_or_whole(data: st.DataObject) -> None:
    """A stored document with changed, cut or added bytes is refused or reads as well-typed.

    F-8.
    """
    body = bytearray(GOLDEN.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body) - 1))
        what = data.draw(st.sampled_from(["change", "cut", "add", "end"]))
        if what == "change":
            body[at] = data.draw(st.integers(0, 255))
        elif what == "cut":
            del body[at : at + data.draw(st.integers(1, 9))]
        elif what == "add":
            body[at:at] = data.draw(st.binary(min_size=1, max_size=9))
        else:
            del body[at + 1 :]
        if not body:
            break
    try:
        found = decode(KEY, 12, bytes(body))
    except UnreadableAccount:
        return
    assert typed_as_declared(found)


@settings(max_examples=100, deadline=None)
@given(json_values | st.dictionaries(st.sampled_from(["f", "a", "e", "au", "b"]), json_values))
def test_any_json_is_refused_or_an_account(value: object) -> None:
    """F-8: any JSON at all in the place of a document is refused or well-typed."""
    for body in (value, {"f": 1, "a": value}, {"f": 1, "a": {"b": [value], "au": value}}):
        try:
            found = decode(KEY, 1, json.dumps(body).encode())
        except UnreadableAccount:
            continue
        assert typed_as_declared(found)


def test_a_lost_lock_is_no_reading_of_damage() -> None:
    """S-35: damage inside the lock refuses the account; it does not read as unlocked."""
    for wrong in ('"l":null', '"l":{}', '"l":{"a":"1","c":"attempts","r":"REF"}', '"l":[]'):
        lock = '"l":{"a":1899999991,"c":"attempts","r":"REF","ac":"boss"}'
        with pytest.raises(UnreadableAccount):
            decode(KEY, 1, GOLDEN.replace(lock, wrong).encode())
    assert replace(WRITTEN, lock=None) == decode(KEY, 12, GOLDEN.replace(f"{lock},", "").encode())
