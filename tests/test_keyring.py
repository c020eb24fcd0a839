"""The keys: a sealed value opens only for its row and purpose.

It opens only while its key is listed.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfa_gate.core.entropy import expand
from mfa_gate.keyring import PREFIX, KeyFault, Keyring, Unopened, join, make_key

OLD = make_key(expand(b"seed", "old", 32))
NEW = make_key(expand(b"seed", "new", 32))
ROW = ("clinic", "ann")
NONCE = b"n" * 12


def test_a_key_is_one_line_of_text() -> None:
    """Contract 1: a key is printed as one word, and the ring never shows one."""
    assert re.fullmatch(r"mfa1_[A-Za-z0-9_-]{48}", NEW)
    ring = Keyring([NEW, OLD])
    assert NEW[5:20] not in repr(ring)
    assert repr(ring) == f"Keyring({ring.newest}, {Keyring([OLD]).newest})"


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_a_key_has_32_bytes(size: int) -> None:
    """S-120: no shorter key is made."""
    with pytest.raises(KeyFault):
        make_key(bytes(size))


def swapped(text: str, at: int) -> str:
    return text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]


@pytest.mark.parametrize(
    ("keys", "word"),
    [
        ([], "no key"),
        ([""], "is no key"),
        (["secret"], "is no key"),
        ([NEW, "changeme"], r"keys\[1\] is no key"),
        ([None], "is no key"),
        ([NEW[:-1]], "damaged"),
        ([NEW + "AA"], "damaged"),
        ([swapped(NEW, 9)], "damaged"),
        ([swapped(NEW, len(NEW) - 2)], "damaged"),
        ([PREFIX], "damaged"),
        ([PREFIX + "ü" * 48], "damaged"),
        ([make_key(bytes(32))], "weak"),
        ([make_key(b"0123456789abcde" * 2 + b"01")], "weak"),
        ([NEW, OLD, NEW], "twice"),
    ],
)
def test_a_wrong_key_stops_the_start(keys: list[str], word: str) -> None:
    """A missing, damaged, weak or repeated key is told as such.

    The message does not show it. Requirement S-120.
    """
    with pytest.raises(KeyFault, match=word) as told:
        Keyring(keys)
    assert all(not key or len(key) < 20 or key[5:] not in str(told.value) for key in keys)


def test_one_key_alone() -> None:
    """A single key needs no list, and white space around it is no fault."""
    assert Keyring(NEW).newest == Keyring([NEW + "\n"]).newest


def test_a_key_of_sixteen_different_bytes_is_not_weak() -> None:
    """S-120: chance hardly ever gives fewer different bytes, and a key of so many is taken."""
    assert Keyring(make_key(b"0123456789abcdef" * 2)).newest


def test_the_keys_are_named_newest_first() -> None:
    """F-18: an operator reads which key seals, and which ones still open."""
    assert Keyring([NEW, OLD]).ids == (Keyring(NEW).newest, Keyring(OLD).newest)


def test_digests_of_a_key_that_is_gone_stop_what_needs_them() -> None:
    """F-18: nobody is judged by digests that no listed key can check.

    The message names the key.

    Values of another form are no digests, and are let be.
    """
    old, new = Keyring(OLD), Keyring(NEW)
    digest = old.digest("network", "198.51.100.7")
    Keyring([NEW, OLD]).require([digest, new.digest("network", "198.51.100.7")])
    new.require(["198.51.100.7", "", digest + "x", digest[:-1]])
    with pytest.raises(Unopened, match=rf"not listed \({old.newest}\)"):
        new.require([new.digest("network", "198.51.100.7"), digest])


@given(st.binary(max_size=200))
def test_sealed_text_comes_back(plain: bytes) -> None:
    """A value that was sealed for a row opens for that row."""
    ring = Keyring(NEW)
    assert ring.open("totp", ring.seal("totp", plain, row=ROW, nonce=NONCE), row=ROW) == plain


@pytest.mark.parametrize(
    "row",
    [("clinic", "bob"), ("practice", "ann"), ("clinica", "nn"), ("clinic",), ("clinic", "ann", ""), ("ann", "clinic")],
)
def test_another_row_does_not_open(row: tuple[str, ...]) -> None:
    """S-64: a ciphertext that is moved to another person or tenant cannot be read."""
    ring = Keyring(NEW)
    sealed = ring.seal("totp", b"secret", row=ROW, nonce=NONCE)
    with pytest.raises(Unopened, match="another row"):
        ring.open("totp", sealed, row=row)


def test_another_purpose_does_not_open() -> None:
    """S-119: each purpose has its own key."""
    ring = Keyring(NEW)
    with pytest.raises(Unopened):
        ring.open("email", ring.seal("totp", b"x", row=ROW, nonce=NONCE), row=ROW)


@given(st.integers(0, 59), st.characters(codec="ascii"))
def test_altered_text_does_not_open(at: int, char: str) -> None:
    """A changed character is noticed at every place, or changes nothing that is read.

    Requirement S-64.
    """
    ring = Keyring(NEW)
    sealed = ring.seal("totp", b"0123456789abcde", row=ROW, nonce=NONCE)
    altered = sealed[:at] + char + sealed[at + 1 :]
    try:
        assert ring.open("totp", altered, row=ROW) == b"0123456789abcde"
        assert altered == sealed
    except Unopened:
        assert altered != sealed


@pytest.mark.parametrize("sealed", ["", "AAA", "x" * 500, "\ud800", "ü" * 9])
def test_garbage_does_not_open(sealed: str) -> None:
    """All garbage in the place of a ciphertext is told in one way.

    Requirement S-64.
    """
    ring = Keyring(NEW)
    for text in (sealed, ring.newest + sealed):
        with pytest.raises(Unopened):
            ring.open("totp", text, row=ROW)


def test_a_nonce_has_twelve_bytes() -> None:
    """A short nonce is a bug and is refused."""
    with pytest.raises(ValueError, match="12 bytes"):
        Keyring(NEW).seal("totp", b"x", row=ROW, nonce=b"short")


def test_rotation() -> None:
    """The newest key seals and signs, and the work of an older listed one still counts.

    The work of an unlisted one ends. Requirements F-18, S-119.
    """
    before, during, after = Keyring([OLD]), Keyring([NEW, OLD]), Keyring([NEW])
    sealed, digest = before.seal("totp", b"x", row=ROW, nonce=NONCE), before.digest("code", "1")
    assert during.open("totp", sealed, row=ROW) == b"x"
    assert during.matches("code", digest, "1")
    assert during.key_of(during.seal("totp", b"x", row=ROW, nonce=NONCE)) == during.newest == after.newest
    assert during.key_of(sealed) == before.newest
    with pytest.raises(Unopened, match="not listed"):
        after.open("totp", sealed, row=ROW)
    assert not after.matches("code", digest, "1")
    assert after.digest("code", "1", key_id=before.newest) == ""
    assert during.secrets_for("cookie") == [*before.secrets_for("cookie"), *after.secrets_for("cookie")]


def test_a_digest_is_what_it_says() -> None:
    """A digest is HMAC-SHA-256 over the parts with their lengths, with 128 bits kept.

    Its key is of the purpose alone. Requirement S-49.
    """
    ring = Keyring(NEW)
    secret = expand(b"seed", "new", 32)
    derived = hmac.digest(secret, b"mfa_gate/digest/code\x01", "sha256")
    parts = b"\x00\x00\x00\x06clinic\x00\x00\x00\x03ann"
    expected = urlsafe_b64encode(hmac.digest(derived, parts, "sha256")[:16]).rstrip(b"=").decode()
    assert ring.digest("code", "clinic", "ann") == ring.newest + expected
    assert ring.newest == urlsafe_b64encode(hashlib.sha256(b"id" + secret).digest()[:3]).decode()


@pytest.mark.parametrize(
    ("purpose", "parts"),
    [
        ("code", ("clinic", "ann", "sign-in", "123457")),
        ("code", ("clinic", "ann", "enroll", "123456")),
        ("code", ("clinic", "bob", "sign-in", "123456")),
        ("code", ("practice", "ann", "sign-in", "123456")),
        ("code", ("clinic", "annsign-in", "", "123456")),
        ("code", ("clinic", "ann", "sign-in123456")),
        ("other", ("clinic", "ann", "sign-in", "123456")),
    ],
)
def test_a_digest_matches_its_parts_only(purpose: str, parts: tuple[str, ...]) -> None:
    """A digest matches no other person, tenant, purpose or code.

    Nor does it match parts that are joined differently. Requirements S-46, S-49.
    """
    ring = Keyring(NEW)
    digest = ring.digest("code", "clinic", "ann", "sign-in", "123456")
    assert ring.matches("code", digest, "clinic", "ann", "sign-in", "123456")
    assert not ring.matches(purpose, digest, *parts)


@given(st.text(max_size=60), st.text(max_size=20))
def test_no_text_raises(digest: str, part: str) -> None:
    """S-45: no stored or typed text, surrogates included, makes a comparison raise or match."""
    ring = Keyring(NEW)
    assert not ring.matches("code", digest, part)
    assert not ring.matches("code", ring.newest + digest, part)
    assert ring.matches("code", ring.digest("code", part), part)


def test_surrogates_are_parts_like_others() -> None:
    """A lone surrogate is compared, not stumbled over."""
    ring = Keyring(NEW)
    assert ring.digest("code", "\ud800") != ring.digest("code", "\udfff")


@given(st.lists(st.text(max_size=5), max_size=4), st.lists(st.text(max_size=5), max_size=4))
def test_joining_is_one_to_one(one: list[str], other: list[str]) -> None:
    """S-64: no other list of parts gives the same bytes."""
    assert (join(one) == join(other)) is (one == other)


def test_purposes_are_apart() -> None:
    """Keys of one name for sealing, for digests and for signing are three keys.

    Requirement S-119.
    """
    ring = Keyring(NEW)
    seal, digest, sign = (ring._keys[0].derived(f"{use}/x") for use in ("seal", "digest", "sign"))
    assert len({seal, digest, sign}) == 3
    assert ring.secrets_for("x") == [sign]


def test_a_derived_key_of_a_key_that_is_not_listed() -> None:
    """F-18, S-119: a purpose's key is derived from listed keys only."""
    ring = Keyring([NEW, OLD])
    assert (
        ring.secret_of("hook") == ring.secret_of("hook", ring.newest) != ring.secret_of("hook", Keyring([OLD]).newest)
    )
    with pytest.raises(Unopened, match="not listed"):
        Keyring([NEW]).secret_of("hook", Keyring([OLD]).newest)
