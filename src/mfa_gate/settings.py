"""What the developer's code gives, checked once: every fault at once, each with its fix."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from inspect import iscoroutinefunction
from ipaddress import ip_network
from typing import Any

from .core.networks import UNIX, Proxy
from .core.rules import Policy, Rules, plain_path
from .core.web_address import read_address
from .factors import FACTORS, TRAITS
from .factors.base import Hears
from .ports import (
    CallsBack,
    ChecksItself,
    ContactsOf,
    HasPushKey,
    NamesSession,
    NeedsAuthentication,
    NeedsSession,
    Pauses,
    ReadsScope,
    SeesUsers,
    Senders,
    TakesDestination,
)
from .service import RelyingParty
from .web.scope import is_clean, safe_path

_ORIGIN = re.compile(r"(https?)://([a-z0-9.-]+|\[[0-9a-f:]+\])(?::([0-9]{1,5}))?")
_PREFIX = re.compile(r"(?:/[A-Za-z0-9_~-]+)+")
MAX_HOST = 100


def faults_of_places(*, prefix: str, sign_in: str, sign_out: str, home: str) -> list[str]:
    """Find the faults of the host's own addresses.

    ``sign_out`` may be empty. It needs no second factor, so it is one page of its own.
    """
    faults = _faults_of_place("sign_in", sign_in, prefix, "/login") + _faults_of_place("home", home, prefix, "/")
    if sign_out == "":
        return faults
    example = 'e.g. "/logout" (or "" where the app has none)'
    if not isinstance(sign_out, str) or not is_clean(sign_out) or _path_of(sign_out) != sign_out:
        faults.append(
            f"sign_out={sign_out!r}: must be one plain path without query and fragment, because it needs no second factor; "
            f"{example}"
        )
        return faults
    page = plain_path(sign_out)
    others = {plain_path(_path_of(place)) for place in (sign_in, home) if isinstance(place, str)}
    if page == "/" or page in others or _lies_below(page, prefix):
        faults.append(
            f"sign_out={sign_out!r}: must be a page of its own, because it needs no second factor: not the root, not sign_in "
            f"or home, and not below the prefix {prefix!r}; {example}"
        )
    return faults


def _faults_of_place(name: str, value: str, prefix: str, example: str) -> list[str]:
    """Find the faults of an address that people are led to; a query or fragment is none."""
    if not isinstance(value, str) or not is_clean(_path_of(value)) or not safe_path(value):
        return [
            f"{name}={value!r}: must be a path of this site that begins with one slash and is plain, e.g. {example!r}"
        ]
    if _lies_below(_path_of(value), prefix):
        return [
            f"{name}={value!r}: is an address of the gate itself (prefix {prefix!r}); give the app's own, e.g. {example!r}"
        ]
    return []


def _path_of(value: str) -> str:
    return re.split("[?#]", value, maxsplit=1)[0]


def _lies_below(path: str, prefix: str) -> bool:
    return isinstance(prefix, str) and (plain_path(path) + "/").startswith(plain_path(prefix) + "/")


def faults_of_prefix(prefix: str) -> list[str]:
    """Faults of the prefix of our own pages."""
    if not isinstance(prefix, str) or not _PREFIX.fullmatch(prefix):
        return [f'prefix={prefix!r}: must be one or more plain path segments without a trailing slash, e.g. "/mfa"']
    return []


def faults_of_relying_party(party: RelyingParty) -> list[str]:
    """Faults of the site's own name and origins."""
    faults = []
    if not party.name.strip():
        faults.append("relying_party.name: is empty; give the name that people know the service by")
    if not re.fullmatch(r"[a-z0-9.-]+", party.id) or len(party.id) > MAX_HOST:
        faults.append(f'relying_party.id={party.id!r}: must be a host name in lower case, e.g. "app.example"')
    if isinstance(party.origins, str) or not party.origins:
        faults.append(f'relying_party.origins: give a list of exact origins, e.g. ["https://{party.id}"]')
        return faults
    for origin in party.origins:
        match = _ORIGIN.fullmatch(origin)
        if match is None:
            faults.append(
                f"relying_party.origins: {origin!r} is no origin; write scheme://host[:port] and nothing behind it"
            )
            continue
        scheme, host, _ = match.groups()
        if host != party.id and not host.endswith("." + party.id):
            faults.append(f"relying_party.origins: {origin!r} does not belong to the id {party.id!r}")
        address = read_address(origin)
        if address is None:
            faults.append(f"relying_party.origins: {origin!r} is no origin that every browser reads alike")
            continue
        local = host.endswith(".localhost") or address.is_local
        if scheme == "http" and not local:
            faults.append(f"relying_party.origins: {origin!r} is not https; only localhost may be without")
    return faults


def networks_of(name: str, texts: Sequence[str]) -> tuple[tuple[Proxy, ...], list[str]]:
    """Read networks (and ``"unix"``) from their texts, with the faults of those that are none."""
    networks: list[Proxy] = []
    faults: list[str] = []
    if isinstance(texts, str):
        return (), [f'{name}={texts!r}: must be a list of networks, e.g. ["10.0.0.5"]']
    for text in texts:
        if text == UNIX:
            networks.append(UNIX)
            continue
        try:
            network = ip_network(text, strict=True)
        except ValueError as error:
            faults.append(f'{name}: {text!r} is no network ({error}); write e.g. "10.0.0.5"')
            continue
        if not network.prefixlen:
            faults.append(
                f"{name}: {text!r} would trust everybody's word for everybody's address; list the proxies alone"
            )
        networks.append(network)
    return tuple(networks), faults


def faults_of_parts(policy: Policy, senders: Senders, contacts: ContactsOf | None) -> list[str]:
    """What the policy needs and the wiring lacks: senders, the host's contacts, optional packages."""
    tenants: Mapping[str, Rules] = {"": policy.base, **policy.tenants} if not policy.tenants else dict(policy.tenants)
    faults: dict[str, None] = {}
    for tenant, rules in tenants.items():
        where = f"tenants.{tenant}.factors.allowed" if tenant else "factors.allowed"
        for kind in rules.factors.allowed:
            traits = TRAITS.get(kind)
            if traits is None:
                continue
            if traits.sends and not traits.fetched and senders.for_channel(traits.sends) is None:
                faults[
                    f"senders: {where} has {kind!r}, but nothing sends it; give senders=Senders({traits.sends}=...) "
                    f"or take {kind!r} out of the policy"
                ] = None
            sender = senders.for_channel(traits.sends)
            by_key = getattr(getattr(rules.factors, kind, None), "confirm", "") == "pound"
            if (
                isinstance(FACTORS.get(kind), Hears)
                and by_key
                and sender is not None
                and not isinstance(sender, CallsBack)
            ):
                section = f"tenants.{tenant}.factors.{kind}" if tenant else f"factors.{kind}"
                faults[
                    f'senders: {section}.confirm = "pound" needs a {traits.sends} sender with verify_callback '
                    f"(TwilioVoiceSender has it), and {type(sender).__name__} has none, so no call could ever be confirmed; "
                    f'give another one, or set {section}.confirm = "code"'
                ] = None
            on_file = traits.contact == "email" or (traits.contact == "phone" and rules.factors.sms.phone == "on-file")
            if on_file and contacts is None:
                faults[
                    f"contacts: {where} has {kind!r}, which goes to the {traits.contact} on file; give contacts=, an async "
                    "function (Subject) -> Contacts"
                ] = None
            if traits.contact == "phone" and importlib.util.find_spec("phonenumbers") is None:
                faults[f'{where} has {kind!r}, which needs the extra "sms": pip install "mfa-gate[sms]"'] = None
    return list(faults)


def faults_of_optional_parts(identify: object, senders: Senders) -> list[str]:
    """Find optional parts of the adapter and of the senders that are not of the shape that ``ports`` declares."""
    faults = list(_faults_of_adapter(identify))
    for channel in ("email", "sms", "voice", "push"):
        faults += _faults_of_sender(f"senders: {channel}", senders.for_channel(channel))
    return faults


def _faults_of_adapter(identify: object) -> Iterator[str]:
    if isinstance(identify, ReadsScope):
        yield from _faults_of_method("identify: subject_of", identify.subject_of, is_async=False)
    if isinstance(identify, SeesUsers):
        yield from _faults_of_method("identify: sees_user", identify.sees_user, is_async=False)
    if isinstance(identify, NamesSession):
        yield from _faults_of_switch("identify: names_session", identify.names_session)
    if isinstance(identify, NeedsSession):
        yield from _faults_of_switch("identify: needs_session", identify.needs_session)
    if isinstance(identify, NeedsAuthentication):
        yield from _faults_of_switch("identify: needs_authentication", identify.needs_authentication)


def _faults_of_sender(where: str, sender: object) -> Iterator[str]:
    if isinstance(sender, CallsBack):
        yield from _faults_of_method(f"{where}: verify_callback", sender.verify_callback, is_async=False)
    if isinstance(sender, TakesDestination):
        yield from _faults_of_method(f"{where}: takes", sender.takes, is_async=False)
    if isinstance(sender, ChecksItself):
        yield from _faults_of_method(f"{where}: check", sender.check, is_async=True)
    if isinstance(sender, Pauses):
        yield from _faults_of_switch(f"{where}: available", sender.available)
    if isinstance(sender, HasPushKey) and not isinstance(sender.application_server_key, str):
        yield f"{where}: application_server_key must be text"


def _faults_of_method(name: str, method: object, *, is_async: bool) -> Iterator[str]:
    if not callable(method) or iscoroutinefunction(method) != is_async:
        yield f"{name} must be {'an async' if is_async else 'a plain'} method"


def _faults_of_switch(name: str, value: object) -> Iterator[str]:
    if not isinstance(value, bool):
        yield f"{name} must be True or False"


def faults_of_order(app: Any, identify: Any, middleware: type, prefix: str) -> list[str]:
    """What in a Starlette app's own stack would let something past the gate, or leave it blind (S-10). ``app`` may be any."""
    stack: Iterable[Any] = getattr(app, "user_middleware", ())
    names = [getattr(item.cls, "__name__", str(item.cls)) for item in stack]
    mine = [place for place, item in enumerate(stack) if item.cls is middleware]
    faults = [
        f"prefix={prefix!r}: the app has a route {path!r} below it, which the gate would hide; give the gate another prefix"
        for path in (getattr(route, "path", "") for route in getattr(app, "routes", ()))
        if path == prefix or path.startswith(prefix + "/")
    ]
    if not mine:
        return faults
    gate = mine[0]
    needs = {
        "Session": isinstance(identify, NeedsSession) and identify.needs_session,
        "Authentication": isinstance(identify, NeedsAuthentication) and identify.needs_authentication,
    }
    for word in (word for word, is_needed in needs.items() if is_needed):
        inside = [name for name in names[gate + 1 :] if word in name]
        outside = [name for name in names[:gate] if word in name]
        if inside and not outside:
            faults.append(
                f"middleware order: {inside[0]} is inside the gate, so the gate cannot see who is signed in. The last one "
                f"added runs first: call app.add_middleware({inside[0]}, ...) after gate.install(app)"
            )
    if "CORSMiddleware" in names[gate + 1 :]:
        faults.append(
            "middleware order: CORSMiddleware is inside the gate, so refusals have no CORS headers and preflights are "
            "refused. Call app.add_middleware(CORSMiddleware, ...) after gate.install(app)"
        )
    return faults
