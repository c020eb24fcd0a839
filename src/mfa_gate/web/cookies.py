"""Read and write our cookies.

They hold an opaque signed handle for each browser and subject, and small notes, such as where the browser was going.
"""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from itsdangerous import BadData, BadSignature, Signer
from itsdangerous.encoding import base64_decode, base64_encode

from ..core.model import SubjectKey
from ..keyring import Keyring, join
from ..ports import Entropy
from .scope import has_bearer, header
from .types import Scope

Note = dict[str, Any]
MAX_KNOWN = 10_000
PENDING_LIFE = 86_400
NOTE_LIFE = 1800
MAX_VALUE = 120
MAX_SEALED = 4096

ENDS = {
    "handle": "",
    "going": "-to",
    "flash": "-note",
    "once": "-once",
    "owed": "-owed",
    "form": "-form",
    "wrong": "-wrong",
}
"""The kinds of our cookies, and the ends of their names."""


@dataclass(frozen=True, slots=True)
class Jar:
    """The names of one subject's cookies, as sent, and the signer of each.

    Each kind has a signer of its own, so a value of one kind never counts as another. ``once`` is the note that this
    browser is not to be remembered, ``owed`` the note of the step-up that a script was refused for, ``form`` the word
    of the form that is kept for this browser, ``wrong`` the note of the form whose code was wrong.
    """

    handle: bytes
    going: bytes
    flash: bytes
    once: bytes
    owed: bytes
    form: bytes
    wrong: bytes
    signers: Mapping[bytes, Signer]
    tokens: Signer
    secure: bool
    earlier: tuple[bytes, ...] = ()


class Cookies:
    """The reader and writer of our cookies.

    ``https`` says that every origin is https: then all cookies are Secure.
    """

    def __init__(self, keyring: Keyring, entropy: Entropy, *, https: bool) -> None:
        self._keyring = keyring
        self._entropy = entropy
        self.https = https
        self._jars: OrderedDict[tuple[SubjectKey, bool], Jar] = OrderedDict()

    def jar(self, key: SubjectKey, scope: Scope) -> Jar:
        """Return the subject's jar.

        On https the names begin with ``__Host-``, so no other host or path can set them (S-24).
        """
        secure = self.https or scope.get("scheme") in ("https", "wss")
        known = self._jars.get((key, secure))
        if known is not None:
            return known
        ids = self._keyring.ids
        name, *earlier = (self._name(key, id, secure=secure) for id in ids)
        names = {kind: f"{name}{end}".encode() for kind, end in ENDS.items()}
        jar = Jar(
            **names,
            signers={sent: self._signer(kind, key) for kind, sent in names.items()},
            tokens=self._signer("token", key),
            secure=secure,
            earlier=tuple(old.encode() for old in earlier),
        )
        self._jars[key, secure] = jar
        if len(self._jars) > MAX_KNOWN:
            self._jars.popitem(last=False)
        return jar

    def _signer(self, kind: str, key: SubjectKey) -> Signer:
        secrets = self._keyring.secrets_for(f"cookie/{kind}")
        return Signer(secrets, salt=join((kind, key.tenant, key.id)), digest_method=hashlib.sha256)

    def _name(self, key: SubjectKey, id: str, *, secure: bool) -> str:
        tag = self._keyring.digest("cookie-name", key.tenant, key.id, key_id=id).translate(_PLAIN)[-10:].lower()
        return f"__Host-mfa-{tag}" if secure else f"mfa-{tag}"

    def value(self, jar: Jar, scope: Scope) -> str:
        """Return the value of the subject's cookie, as sent; "" where there is none.

        After a change of keys a browser may still have the cookie under a name made with an older key that is listed.
        These names count as well.
        """
        for name in (jar.handle, *jar.earlier):
            value = cookie_value(scope, name)
            if value:
                return value
        return ""

    def others(self, jar: Jar, scope: Scope, handle: str) -> tuple[str, ...]:
        """Return the handles besides ``handle`` that this browser has under names of listed keys.

        Workers with another newest key gave the browser these.
        """
        values = (cookie_value(scope, name) for name in (jar.handle, *jar.earlier))
        found = {self.open(jar, value) for value in values}
        return tuple(sorted(found - {handle, ""}))

    def fresh(self) -> str:
        """Make a handle for a browser that has none: 192 random bits.

        The handle proves nothing yet.
        """
        return self._entropy(24).hex()

    def open(self, jar: Jar, value: str) -> str:
        """Return the handle in a cookie's value.

        Returns "" for a value that we did not make for browsers of this subject.
        """
        return _opened(jar.signers[jar.handle], value)

    def seal(self, jar: Jar, handle: str) -> str:
        """Return the cookie's value for a handle."""
        return jar.signers[jar.handle].sign(handle).decode()

    def open_token(self, jar: Jar, value: str) -> str:
        """Return the handle in a client's token, or "". A browser's cookie is no token."""
        return _opened(jar.tokens, value)

    def seal_token(self, jar: Jar, handle: str) -> str:
        """Make the token for the handle of a client without cookies."""
        return jar.tokens.sign(handle).decode()

    def set_handle(self, jar: Jar, handle: str, *, max_age: int | None) -> tuple[bytes, bytes]:
        """Make the header that gives the browser its handle.

        ``max_age`` is in seconds. Without it the cookie ends with the browser's session.
        """
        return _set(jar.handle, self.seal(jar, handle), jar, max_age)

    def drop_earlier(self, jar: Jar, scope: Scope) -> list[tuple[bytes, bytes]]:
        """Make the headers that forget the handles under the names of older keys.

        A worker that still uses such a name would else look at a dead handle.
        """
        return [self.drop_note(jar, name) for name in jar.earlier if cookie_value(scope, name)]

    def set_note(self, jar: Jar, name: bytes, note: Note) -> tuple[bytes, bytes]:
        """Make the header that keeps a small signed note with the browser for half an hour.

        A note tells where the browser was going, or which act was just done.
        """
        text = json.dumps(note, separators=(",", ":"))
        return _set(name, jar.signers[name].sign(urlsafe_b64encode(text.encode())).decode(), jar, NOTE_LIFE)

    def drop_note(self, jar: Jar, name: bytes) -> tuple[bytes, bytes]:
        """Make the header by which the browser forgets a note."""
        return _set(name, "", jar, 0)

    def note(self, jar: Jar, name: bytes, scope: Scope) -> Note:
        """Return the note in a cookie, if we made it for this subject; else an empty one."""
        value = cookie_value(scope, name)
        if not value:
            return {}
        try:
            note = json.loads(urlsafe_b64decode(jar.signers[name].unsign(value)))
        except (BadSignature, ValueError):
            return {}
        return note if isinstance(note, dict) else {}

    def seal_note(self, key: SubjectKey, note: Note) -> str:
        """Seal a note for an address, readable for this subject only.

        Addresses are logged, so the place in the note must not stand there.
        """
        text = json.dumps(note, separators=(",", ":")).encode()
        return self._keyring.seal("note", text, row=(key.tenant, key.id), nonce=self._entropy(12))

    def open_note(self, key: SubjectKey, sealed: str) -> Note:
        """Return the note in an address, if we sealed it for this subject; else an empty one."""
        # Base64 skips foreign characters, and what opens is written into addresses: only what we write counts (S-25).
        if len(sealed) > MAX_SEALED or not sealed.isascii() or not sealed.translate(_PLAIN).isalnum():
            return {}
        try:
            note = json.loads(self._keyring.open("note", sealed, row=(key.tenant, key.id)))
        except ValueError:
            return {}
        return note if isinstance(note, dict) else {}


_PLAIN = str.maketrans("", "", "-_")


def _opened(signer: Signer, value: str) -> str:
    if not value or len(value) > MAX_VALUE:
        return ""
    try:
        handle = signer.unsign(value).decode()
        # The signature's own decoder takes more than one spelling; only the one that we write counts (S-25).
        mark = value.rpartition(".")[2]
        is_ours = base64_encode(base64_decode(mark)).decode() == mark
    except (BadData, UnicodeDecodeError):
        return ""
    return handle if is_ours else ""


def _set(name: bytes, value: str, jar: Jar, max_age: int | None) -> tuple[bytes, bytes]:
    text = f"{name.decode()}={value}; Path=/; HttpOnly; SameSite=Lax"
    if max_age is not None:
        text += f"; Max-Age={max_age}"
    if jar.secure:
        text += "; Secure"
    return (b"set-cookie", text.encode())


def cookie_value(scope: Scope, name: bytes) -> str:
    """Return the one value of a cookie (S-25).

    Returns "" where the cookie is missing, or comes more than once.
    """
    found: bytes | None = None
    for key, value in scope["headers"]:
        if key == b"cookie" and name in value:
            for part in value.split(b";"):
                label, _, content = part.partition(b"=")
                if label.strip() == name:
                    if found is not None:
                        return ""
                    found = content.strip()
    return found.decode("latin-1") if found else ""


def only_cookies(scope: Scope) -> bytes:
    """Join the cookies to one header.

    Over HTTP/2 browsers send pieces, and some servers hand them on (RFC 9113, 8.2.3).
    """
    found = b""
    for key, value in scope["headers"]:
        if key == b"cookie":
            found = found + b"; " + value if found else value
    return found


def proof_token(scope: Scope) -> str:
    """Return the proof of a client without cookies, from the header ``MFA-Proof``; or "".

    It counts only in a request without the headers that only browsers send.
    """
    token = header(scope, b"mfa-proof")
    return token.decode("latin-1") if token is not None else ""


def is_native(scope: Scope, origins: Collection[str] = ()) -> bool:
    """Tell whether the caller keeps its proof itself, as a token.

    It has no cookie, and none of the headers by which browsers give themselves away. A caller that shows a bearer token may
    tell an origin that is none of ``origins``, our own (``null`` as well): no cookie of ours would come back from there.
    """
    told = False
    for key, _ in scope["headers"]:
        if key == b"cookie":
            return False
        told = told or key == b"origin" or key.startswith(b"sec-fetch-")
    if not told:
        return True
    origin = header(scope, b"origin")
    return origin is not None and origin.decode("latin-1") not in origins and has_bearer(scope)
