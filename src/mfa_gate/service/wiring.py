"""What the developer's code gives to a gate: parts, keys, providers, and the site that passkeys are bound to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..core.networks import Proxy
from ..factors import BUILT_IN, Registry
from ..keyring import Keyring
from ..ports import BeforeSend, Clock, ContactsOf, DirectoryOf, Entropy, Senders
from ..storage import Store
from .effects import OnEvent, SubjectHook


@dataclass(frozen=True, slots=True, kw_only=True)
class RelyingParty:
    """The site that passkeys are bound to, and the name that people see. ``id`` is its host name, ``origins`` are exact.

    None of them is ever taken from a request.
    """

    id: str
    name: str
    origins: tuple[str, ...] | list[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """What the developer's code holds: parts, keys and providers; no rule is in here.

    ``public`` is where our own pages are reached from outside (origin and prefix), for providers and phones. ``words`` has
    the translation of a text for each language.
    """

    store: Store
    keyring: Keyring
    clock: Clock
    entropy: Entropy
    senders: Senders
    relying_party: RelyingParty
    contacts: ContactsOf | None = None
    on_event: OnEvent | None = None
    on_reset: SubjectHook | None = None
    on_lock: SubjectHook | None = None
    before_send: BeforeSend | None = None
    directory: DirectoryOf | None = None
    trusted_proxies: tuple[Proxy, ...] = ()
    public: str = ""
    app: str = ""
    factors: Registry = BUILT_IN
    words: Callable[[str], Callable[[str], str]] = lambda lang: str
