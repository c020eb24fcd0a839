"""The signed-in person, and the caller."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .authenticator import Challenge

MAX_ID_BYTES = 255


@dataclass(frozen=True, slots=True)
class SubjectKey:
    """The canonical name of a person.

    It is one row, one counter and one lock, over all applications that share the store.
    """

    tenant: str
    id: str

    def __str__(self) -> str:
        return f"{self.tenant}/{self.id}"


@dataclass(frozen=True, slots=True)
class Upstream:
    """The statement of an identity provider about the sign-in, as the host has verified it.

    The parts are claims of OpenID Connect Core 1.0, 2: ``amr`` are the words for the methods (RFC 8176), ``acr`` is the
    class, ``auth_time`` is the time (UTC seconds) when the person last signed in there.
    """

    amr: tuple[str, ...] = ()
    acr: str = ""
    auth_time: int = 0

    def __post_init__(self) -> None:
        if isinstance(self.amr, (str, bytes)):
            raise ValueError(f"Upstream.amr must be a tuple of str, not {self.amr!r}")
        object.__setattr__(self, "amr", tuple(self.amr))


@dataclass(frozen=True, slots=True)
class Subject:
    """The person that the host says is signed in.

    ``id`` is the host's opaque, canonical id of the person inside ``tenant``. Two spellings would be two people with
    two budgets of attempts. So an id is refused that Unicode would rewrite (NFKC), that holds control characters, or
    that has blanks at its ends. ``groups`` are the host's groups or roles. ``session`` names the host's sign-in
    session, if it has one. ``upstream`` is the statement of an identity provider about that sign-in; it counts if the
    policy trusts it (``freshness.trust_amr``).

    ``actor`` is the id, in the same tenant, of the person who is really there while ``id`` is impersonated; "" where
    nobody is. The actor is judged: it owes and proves the second factor, and its account is the one of our pages and
    JSON calls. ``groups`` then only add demands, and give no right: nothing is exempt by them.

    Raises ``ValueError`` for an id or tenant that is empty, longer than 255 bytes, or not canonical. Raises it too
    for groups that are a text, bytes or a mapping instead of several texts.
    """

    id: str
    tenant: str = "default"
    groups: frozenset[str] = frozenset()
    session: str = ""
    upstream: Upstream | None = None
    actor: str = ""
    key: SubjectKey = field(init=False, repr=False, compare=False)
    """The key of this subject's account."""

    def __post_init__(self) -> None:
        named = (("id", self.id), ("tenant", self.tenant))
        for name, value in (*named, ("actor", self.actor)) if self.actor != "" else named:
            if type(value) is not str or not value:
                raise ValueError(f"Subject.{name} must be a non-empty str, not {value!r}")
            if value[0] == " " or value[-1] == " ":
                raise ValueError(f"Subject.{name} has blanks at its ends: {value!r}")
            if value.isascii() and value.isprintable() and len(value) <= MAX_ID_BYTES:
                continue
            if len(value.encode("utf-8", "surrogatepass")) > MAX_ID_BYTES:
                raise ValueError(f"Subject.{name} is longer than {MAX_ID_BYTES} bytes")
            if not value.isprintable() or unicodedata.normalize("NFKC", value) != value:
                raise ValueError(f"Subject.{name} is not in its canonical form (NFKC, printable): {value!r}")
        if not isinstance(self.groups, frozenset):
            # A text would be read letter by letter, and a mapping by its keys without its values.
            if isinstance(self.groups, (str, bytes, bytearray, Mapping)) or not isinstance(self.groups, Iterable):
                raise ValueError(f"Subject.groups must be a set of str, not {self.groups!r}")
            object.__setattr__(self, "groups", frozenset(self.groups))
        if not all(isinstance(group, str) for group in self.groups):
            raise ValueError("Subject.groups must be a set of str")
        if self.actor == self.id:
            object.__setattr__(self, "actor", "")
        object.__setattr__(self, "key", SubjectKey(self.tenant, self.id))

    @property
    def judged(self) -> Subject:
        """Return the subject whose account is judged: the actor, or this subject without one.

        The actor's own groups are not known.
        """
        if not self.actor:
            return self
        return Subject(self.actor, self.tenant, session=self.session, upstream=self.upstream)


@dataclass(frozen=True, slots=True)
class Contacts:
    """The contacts that the host has on file about a subject.

    These are a name to greet, an e-mail address, a phone number (any spelling). Blanks at the ends are dropped, letters are
    composed (NFC), and None counts as nothing on file, as databases give it. Raises ``TypeError`` for anything else that is
    no text.
    """

    name: str = ""
    email: str = ""
    phone: str = ""

    def __post_init__(self) -> None:
        for part in self.__slots__:
            value: object = getattr(self, part)
            if value is not None and not isinstance(value, str):
                raise TypeError(f"Contacts.{part} must be a str, not {type(value).__name__}")
            object.__setattr__(self, part, unicodedata.normalize("NFC", (value or "").strip()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The caller: the subject, its browser and its network.

    ``handle`` is the digest of the browser's handle ("" if it has none). ``label`` is a name for the browser that
    people recognize; ``kind`` is ``browser`` or ``client`` (no cookies). ``lang`` is the language of the page, ``zone``
    the time zone that the browser told (IANA, "" for none), ``root`` the path that the app is mounted under. ``also``
    are the digests of other handles that this same browser has from workers with other keys: a code that was sent for
    them was sent to this browser. ``acts_as`` is the subject that the caller impersonates, as the host has named it;
    None where nobody is impersonated. ``address`` is the address in full, ``request`` the id that a trusted proxy gave the
    request: both are for the trail only.
    """

    subject: Subject
    handle: str
    network: str
    label: str = ""
    kind: str = "browser"
    lang: str = "en"
    zone: str = ""
    root: str = ""
    also: tuple[str, ...] = ()
    acts_as: Subject | None = None
    address: str = ""
    request: str = ""

    def asked(self, challenge: Challenge) -> bool:
        """Tell if this browser is the one that asked for ``challenge``."""
        return challenge.browser == self.handle or challenge.browser in self.also
