"""The subject with its one canonical name, and the small look-ups of an account."""

from __future__ import annotations

from typing import Any

import pytest

from mfa_gate.core.model import (
    MAX_ID_BYTES,
    Asked,
    Attempts,
    Challenge,
    Contacts,
    Lock,
    Subject,
    SubjectKey,
    Ticket,
    Upstream,
)

from .builders import HANDLE, account, proof


@pytest.mark.parametrize(
    "id", ["ann", "ann@clinic.example", "x" * 255, "ä" * 127, "7", "a b", "a/b", "user:7", "名前", "Ann"]
)
def test_canonical_ids(id: str) -> None:
    """Any printable text in its canonical form names exactly one person.

    S-40.
    """
    assert Subject(id, "clinic").key == SubjectKey("clinic", id)


@pytest.mark.parametrize(
    "id",
    [
        "",
        "x" * 256,
        "ä" * 128,
        "A\u030a",
        "\uff41nn",
        "ﬁ",
        " ",
        "ann ",
        " ann",
        "ann\n",
        "ann\x00",
        "\x7f",
        "a\u200bb",
        "a\u202eb",
        "\ud800",
        None,
        7,
        b"ann",
        ["ann"],
    ],
)
def test_other_spellings_are_refused(id: object) -> None:
    """An id that would be a second name of a person, or no name, is refused with an error.

    S-40. This holds for the subject and the tenant alike.
    """
    with pytest.raises(ValueError, match="Subject"):
        Subject(id, "clinic")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="Subject"):
        Subject("ann", id)  # type: ignore[arg-type]


def test_the_bound_is_in_bytes() -> None:
    """The longest id has 255 bytes in UTF-8."""
    assert len(("ä" * 127).encode()) <= MAX_ID_BYTES < len(("ä" * 128).encode())


@pytest.mark.parametrize(
    "groups", ["admin", "", b"admin", bytearray(b"a"), {"admin": False}, None, 7, [7], [None], [["a"]]]
)
def test_groups_of_another_type_are_refused(groups: object) -> None:
    """Groups of another type than a collection of texts are refused.

    S-11. A text read letter by letter, or a mapping read by its keys, would leave the subject in no group
    that a rule knows.
    """
    with pytest.raises((ValueError, TypeError)):
        Subject("ann", groups=groups)  # type: ignore[arg-type]


def test_words_of_a_provider_are_no_letters() -> None:
    """An identity provider's word as a text instead of a list is refused.

    It would be read letter by letter.
    """
    with pytest.raises(ValueError, match="amr"):
        Upstream(amr="otp", auth_time=1)  # type: ignore[arg-type]
    assert Upstream(amr=["otp"], auth_time=1) == Upstream(amr=("otp",), auth_time=1)  # type: ignore[arg-type]


@pytest.mark.parametrize("groups", [["staff", " admin"], ("admin ",), {"admin\n"}, ["staff", "\xa0admin"]])
def test_a_group_with_blanks_at_its_ends_is_refused(groups: Any) -> None:
    """An exemption that leaves a group out would not know it under this spelling."""
    with pytest.raises(ValueError, match="blanks at its ends"):
        Subject("ann", groups=groups)


def test_groups_become_a_set() -> None:
    """A host that gives a list of groups means the same as one that gives a set."""
    assert Subject("ann", groups=["a", "b", "a"]) == Subject("ann", groups=frozenset({"a", "b"}))  # type: ignore[arg-type]


def test_a_key_in_words() -> None:
    """A subject's key reads as tenant and id."""
    assert str(SubjectKey("clinic", "ann")) == "clinic/ann"


def test_looking_up() -> None:
    """An account knows its own authenticators and browsers, and no handle is nobody's."""
    of = account("app", proofs=(proof(),))
    assert of.authenticator("app-1") is of.authenticators[0]
    assert of.authenticator("x") is None
    assert of.browser(HANDLE) is of.browsers[0]
    assert of.browser("x") is None
    nameless = account("app", browsers=())
    assert nameless.browser("") is None


def test_nobody_acts_as_themselves() -> None:
    """A host that names the same person twice means no other one."""
    assert Subject("ann", "clinic", actor="ann") == Subject("ann", "clinic")
    assert Subject("ann", "clinic", actor="ann").judged == Subject("ann", "clinic")


def test_the_one_who_is_judged() -> None:
    """While a person is impersonated, the actor is judged.

    It is the actor's account, in this sign-in, without known groups.
    """
    upstream = Upstream(("pwd",), "gold", 7)
    seen = Subject("ann", "clinic", frozenset({"staff"}), "s1", upstream, actor="boss")
    assert seen.judged == Subject("boss", "clinic", session="s1", upstream=upstream)
    assert seen.judged.key == SubjectKey("clinic", "boss")
    alone = Subject("ann", "clinic", frozenset({"staff"}), "s1")
    assert alone.judged is alone


@pytest.mark.parametrize("name", ["", " a", "a ", "a\n", "ﬁ", "x" * 256, "é" * 128])
def test_an_id_that_is_not_canonical(name: str) -> None:
    """Two spellings of one person would be two budgets of attempts; an actor is a person, too."""
    with pytest.raises(ValueError):
        Subject(name)
    with pytest.raises(ValueError):
        Subject("ann", name)
    if name:
        with pytest.raises(ValueError):
            Subject("ann", actor=name)
    assert [len(Subject(longest).id) for longest in ("x" * 255, "é" * 127 + "x")] == [255, 128]


@pytest.mark.parametrize(
    ("parts", "shows"),
    [
        ({}, False),
        ({"version": 4, "epoch": 2, "seen_at": 9}, False),
        ({"ticket": Ticket(digest="d", expires_at=9, actor="eve", ref="T")}, False),
        ({"lock": Lock(at=9, cause="administrator", ref="L")}, False),
        ({"attempts": Attempts(used=3)}, False),
        ({"asked": Asked(act="reset", ref="R", asked_by="eve", asked_at=9, reason="r")}, False),
        ({"name": "Ann"}, True),
        ({"proofs": (proof(),)}, True),
        ({"skip_count": 1}, True),
    ],
)
def test_an_account_that_shows_a_person(parts: dict[str, Any], shows: bool) -> None:
    """A mistyped name to which an administrator gave a ticket is nobody.

    A skip, a proof or a name is somebody.
    """
    assert account(**parts).shows_a_person is shows


@pytest.mark.parametrize(
    ("parts", "forgotten", "unknown"),
    [
        ({}, False, True),
        ({"version": 3}, False, False),
        ({"version": 3, "forgotten_at": 9}, True, True),
        ({"version": 3, "forgotten_at": 9, "name": "Ann"}, False, False),
    ],
)
def test_a_forgotten_account(parts: dict[str, Any], forgotten: bool, unknown: bool) -> None:
    """It is nobody's until it is used again."""
    of = account(**parts)
    assert (of.is_forgotten, of.is_unknown) == (forgotten, unknown)


def test_a_fresh_challenge() -> None:
    """It is unspent, unanswered, and was issued by a clock that was not behind."""
    fresh = Challenge(id="c", factor="f", purpose="p", target="t", browser="b", issued_at=9, expires_at=19)
    assert (fresh.spent_at, fresh.status, fresh.mark, fresh.data) == (0, "pending", 0, {})


def test_contacts_as_databases_give_them() -> None:
    """None is nothing on file, blanks at the ends are no part of it, and letters are composed."""
    given = Contacts(name=None, email=" ann@x.example\n", phone=" ")  # type: ignore[arg-type]
    assert given == Contacts(name="", email="ann@x.example", phone="")
    assert Contacts(" Ann  Bo ").name == "Ann  Bo"
    assert Contacts("Jose\u0301", email="e\u0301@x.example") == Contacts("Jos\u00e9", email="\u00e9@x.example")


@pytest.mark.parametrize("value", [12025550123, b"ann@x.example", ["ann@x.example"], True])
def test_contacts_that_are_no_text(value: Any) -> None:
    """They are refused where the host makes them, by the name of the part."""
    with pytest.raises(TypeError, match=r"Contacts\.phone must be a str, not "):
        Contacts(phone=value)
