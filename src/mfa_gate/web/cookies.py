"""Our cookies: an opaque signed handle per browser and subject, and where the browser was going."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..core.model import SubjectKey
from ..keyring import Keyring, join
from ..ports import Entropy
from .scope import header
from .types import Scope

Note = dict[str, Any]
MAX_KNOWN = 10_000
PENDING_LIFE = 86_400
NOTE_LIFE = 1800
MAX_VALUE = 120


class Signer:
    """Signs by the newest of ``secrets`` (oldest first) and opens what any of them has signed.

    A signed text is the value, a dot and the HMAC-SHA-256, spelled as itsdangerous spells it.
    """

    __slots__ = ("_keys",)

    def __init__(self, secrets: Sequence[bytes], salt: bytes) -> None:
        self._keys = [hashlib.sha256(salt + b"signer" + secret).digest() for secret in reversed(secrets)]

    def sign(self, value: str) -> str:
        """Return ``value`` with its signature."""
        return f"{value}.{_mark(self._keys[0], value).decode()}"

    def opened(self, text: str) -> str:
        """Return the value in ``text``, or "" where it is not signed. Only the spelling that we write counts (S-25)."""
        value, _, mark = text.rpartition(".")
        sent = mark.encode("utf-8", "surrogatepass")
        return value if any(hmac.compare_digest(_mark(key, value), sent) for key in self._keys) else ""


def _mark(key: bytes, value: str) -> bytes:
    return urlsafe_b64encode(hmac.digest(key, value.encode("utf-8", "surrogatepass"), "sha256")).rstrip(b"=")


@dataclass(frozen=True, slots=True)
class Jar:
    """The names of one subject's cookies, as sent, and who signs each: a value of one kind is none of another.

    ``once`` says that this browser is not to be remembered.
    """

    handle: bytes
    going: bytes
    flash: bytes
    once: bytes
    signers: Mapping[bytes, Signer]
    tokens: Signer
    secure: bool
    earlier: tuple[bytes, ...] = ()


class Cookies:
    """Reads and writes our cookies. ``https`` says that every origin is https: then they are always Secure."""

    def __init__(self, keyring: Keyring, entropy: Entropy, *, https: bool) -> None:
        self._keyring = keyring
        self._entropy = entropy
        self._https = https
        self._jars: OrderedDict[tuple[SubjectKey, bool], Jar] = OrderedDict()

    def jar(self, key: SubjectKey, scope: Scope) -> Jar:
        """The subject's jar. On https the names begin with ``__Host-``: no other host or path can set them (S-24)."""
        secure = self._https or scope.get("scheme") in ("https", "wss")
        known = self._jars.get((key, secure))
        if known is not None:
            return known
        ids = self._keyring.ids
        name, *earlier = (self._name(key, id, secure=secure) for id in ids)
        handle, going, flash, once = (f"{name}{end}".encode() for end in ("", "-to", "-note", "-once"))
        kinds = {handle: "handle", going: "going", flash: "flash", once: "once"}
        jar = Jar(
            handle,
            going,
            flash,
            once,
            {name: self._signer(kind, key) for name, kind in kinds.items()},
            self._signer("token", key),
            secure,
            tuple(old.encode() for old in earlier),
        )
        self._jars[key, secure] = jar
        if len(self._jars) > MAX_KNOWN:
            self._jars.popitem(last=False)
        return jar

    def _signer(self, kind: str, key: SubjectKey) -> Signer:
        return Signer(self._keyring.secrets_for(f"cookie/{kind}"), join((kind, key.tenant, key.id)))

    def _name(self, key: SubjectKey, id: str, *, secure: bool) -> str:
        tag = self._keyring.digest("cookie-name", key.tenant, key.id, key_id=id).translate(_PLAIN)[-10:].lower()
        return f"__Host-mfa-{tag}" if secure else f"mfa-{tag}"

    def value(self, jar: Jar, scope: Scope) -> str:
        """The value of the subject's cookie, as sent; after a new key also under the names that the listed older keys gave."""
        for name in (jar.handle, *jar.earlier):
            value = cookie_value(scope, name)
            if value:
                return value
        return ""

    def others(self, jar: Jar, scope: Scope, handle: str) -> tuple[str, ...]:
        """The handles besides ``handle`` that this browser has under the names of the listed keys: workers whose newest key
        is another one gave it those."""
        if not jar.earlier:
            return ()
        values = (cookie_value(scope, name) for name in (jar.handle, *jar.earlier))
        found = {self.open(jar, value) for value in values}
        return tuple(sorted(found - {handle, ""}))

    def fresh(self) -> str:
        """A handle for a browser that has none: 192 random bits. It proves nothing yet."""
        return self._entropy(24).hex()

    def open(self, jar: Jar, value: str) -> str:
        """The handle in a cookie's value, or "" where we did not make it for this subject's browsers."""
        return _opened(jar.signers[jar.handle], value)

    def seal(self, jar: Jar, handle: str) -> str:
        """The cookie's value for a handle."""
        return jar.signers[jar.handle].sign(handle)

    def open_token(self, jar: Jar, value: str) -> str:
        """Read the handle in a client's token, or ""; a browser's cookie is no token."""
        return _opened(jar.tokens, value)

    def seal_token(self, jar: Jar, handle: str) -> str:
        """Make the token for the handle of a client without cookies."""
        return jar.tokens.sign(handle)

    def set_handle(self, jar: Jar, handle: str, *, max_age: int | None) -> tuple[bytes, bytes]:
        """The header that gives the browser its handle; without ``max_age`` (seconds) it ends with the browser."""
        return _set(jar.handle, self.seal(jar, handle), jar, max_age)

    def drop_earlier(self, jar: Jar, scope: Scope) -> list[tuple[bytes, bytes]]:
        """The headers that forget the handles under the names of older keys: a worker that still uses such a name would
        else look at one that is dead."""
        return [self.drop_note(jar, name) for name in jar.earlier if cookie_value(scope, name)]

    def set_note(self, jar: Jar, name: bytes, note: Note) -> tuple[bytes, bytes]:
        """The header that keeps a small signed value with the browser for half an hour (where it was going, what was done)."""
        text = _to_json(note)
        return _set(name, jar.signers[name].sign(urlsafe_b64encode(text.encode()).decode()), jar, NOTE_LIFE)

    def drop_note(self, jar: Jar, name: bytes) -> tuple[bytes, bytes]:
        """The header that forgets such a value."""
        return _set(name, "", jar, 0)

    def note(self, jar: Jar, name: bytes, scope: Scope) -> Note:
        """Such a value, if we made it for this subject; else an empty one."""
        value = cookie_value(scope, name)
        if not value:
            return {}
        try:
            note = json.loads(urlsafe_b64decode(jar.signers[name].opened(value)))
        except ValueError:
            return {}
        return note if isinstance(note, dict) else {}


_to_json = json.JSONEncoder(separators=(",", ":")).encode
_PLAIN = str.maketrans("", "", "-_")


def _opened(signer: Signer, value: str) -> str:
    return signer.opened(value) if value and len(value) <= MAX_VALUE else ""


def _set(name: bytes, value: str, jar: Jar, max_age: int | None) -> tuple[bytes, bytes]:
    text = f"{name.decode()}={value}; Path=/; HttpOnly; SameSite=Lax"
    if max_age is not None:
        text += f"; Max-Age={max_age}"
    if jar.secure:
        text += "; Secure"
    return (b"set-cookie", text.encode())


def cookie_value(scope: Scope, name: bytes) -> str:
    """The one value of a cookie; "" where it is missing or there are two of that name (S-25)."""
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
    """The proof of a client without cookies: header ``MFA-Proof``, and no header that only browsers send."""
    token = header(scope, b"mfa-proof")
    if token is None or not is_native(scope):
        return ""
    return token.decode("latin-1")


def is_native(scope: Scope) -> bool:
    """Whether the request has none of the headers by which browsers give themselves away."""
    return not any(key == b"cookie" or key == b"origin" or key.startswith(b"sec-fetch-") for key, _ in scope["headers"])
