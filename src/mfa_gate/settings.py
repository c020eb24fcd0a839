"""Checks of the settings in the developer's code.

All faults are reported at once, each with its fix.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Mapping, Sequence
from ipaddress import ip_network

from .core import options
from .core.changes.enroll_rights import is_on_file
from .core.networks import UNIX, Proxy, is_everybody
from .core.public_suffixes import registrable
from .core.rules import Policy, Rules, plain_path
from .core.web_address import read_address
from .factors import Registry
from .factors.optional_parts import Hears
from .ports import APP_ORIGIN, CallsBack, ContactsOf, RelyingParty, Senders
from .service.hook_places import COMMANDS
from .service.own_address import is_root
from .web.scope import NEXT, is_clean, safe_path

_ORIGIN = re.compile(r"(https?)://([a-z0-9.-]+|\[[0-9a-f:]+\])(?::([0-9]{1,5}))?")
_PLACEHOLDER = re.compile(r"\{[^{}]*\}?")
_PREFIX = re.compile(r"(?:/[A-Za-z0-9_~-]+)+")
_HEADER = re.compile(r"[A-Za-z0-9-]{1,64}")
APP_KEY = f"{APP_ORIGIN}apk-key-hash:"
_DIGEST = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")
MAX_RELATED = 5
MAX_HOST = 100
MAX_NAME = 80
NAME = options.text(MAX_NAME)
"""The name of the service: a subject of a mail, a line of a log and a passkey have it, so it is one line."""
MAX_APP = 40
"""Characters of an application's name."""


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
    """Find the faults of a path to which people are led. It may have a query or a fragment."""
    if not isinstance(value, str) or not is_clean(_path_of(value)) or not safe_path(value):
        return [
            f"{name}={value!r}: must be a path of this site that begins with one slash and is plain, e.g. {example!r}"
        ]
    if names := _PLACEHOLDER.findall(value.replace(NEXT, "") if name == "sign_in" else value):
        known = f"; only {NEXT!r} is filled in there" if name == "sign_in" else "; nothing is filled in there"
        return [f"{name}={value!r}: has {names[0]!r}{known}, e.g. {example!r}"]
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
    """Find the faults of the prefix of our own pages."""
    if not isinstance(prefix, str) or not _PREFIX.fullmatch(prefix):
        return [f'prefix={prefix!r}: must be one or more plain path segments without a trailing slash, e.g. "/mfa"']
    return []


def faults_of_app(name: object) -> list[str]:
    """Find the faults of this application's name.

    It stands in events, in logs and on people's own pages.
    """
    if name == COMMANDS:
        return [f'app={name!r}: is the name of our own commands, which tell no hooks; choose another, e.g. "web"']
    if not isinstance(name, str) or len(name) > MAX_APP or name != name.strip() or not name.isprintable():
        return [f'app={name!r}: must be a name of at most {MAX_APP} printable characters, e.g. "web", or "" for none']
    return []


def faults_of_relying_party(party: RelyingParty) -> list[str]:
    """Find the faults of the site's own name and origins.

    ``argument_types`` has seen that name and origins are texts.
    """
    faults = []
    if not NAME.holds(party.name):
        faults.append(
            f"relying_party.name={party.name!r}: must be {MAX_NAME} printable characters at most, and not empty; give the name "
            "that people know the service by"
        )
    if not _is_host_name(party.id):
        faults.append(f"relying_party.id={party.id!r}: must be a host name in lower case{_as_host_name(party.id)}")
        if not isinstance(party.id, str):
            return faults
    if isinstance(party.origins, str) or not party.origins:
        faults.append(f'relying_party.origins: give a list of exact origins, e.g. ["https://{party.id}"]')
        return faults
    for name in ("related_origins", "passkey_endpoints"):
        if not isinstance(getattr(party, name), bool):
            faults.append(f"relying_party.{name}={getattr(party, name)!r}: must be True or False")
    if not party.web_origins:
        faults.append(f'relying_party.origins: lists apps alone; add the site itself, e.g. "https://{party.id}"')
    for origin in party.origins:
        if origin.startswith(APP_ORIGIN):
            faults += _faults_of_app_origin(origin)
            continue
        match = _ORIGIN.fullmatch(origin)
        if match is None:
            faults.append(
                f"relying_party.origins: {origin!r} is no origin; write scheme://host[:port] and nothing behind it"
            )
            continue
        scheme, host, _ = match.groups()
        is_own = host == party.id or host.endswith("." + party.id)
        if not is_own and not party.related_origins:
            faults.append(
                f"relying_party.origins: {origin!r} does not belong to the id {party.id!r}; list that host and its subdomains "
                "only, or give RelyingParty(related_origins=True), so that passkeys work at other domains of yours too"
            )
        address = read_address(origin)
        if address is None:
            faults.append(
                f"relying_party.origins: {origin!r} is no origin that every browser reads alike; write it in lower-case ASCII"
            )
            continue
        if address.url != f"{origin}/":
            faults.append(
                f"relying_party.origins: {origin!r} never matches, because browsers leave the port out; write "
                f"{address.url[:-1]!r}"
            )
        local = host.endswith(".localhost") or address.is_local
        if scheme == "http" and not local:
            faults.append(f"relying_party.origins: {origin!r} is not https; only localhost may be without")
    return faults + _faults_of_related(party)


def _faults_of_app_origin(origin: str) -> list[str]:
    """Find the fault of an Android app's origin.

    It ends in the SHA-256 of the app's certificate, in base64url without padding.
    """
    digest = origin.removeprefix(APP_KEY)
    if origin.startswith(APP_KEY) and _DIGEST.fullmatch(digest):
        return []
    return [
        f"relying_party.origins: {origin!r} is no app; write {APP_KEY} and 43 characters: the SHA-256 of the certificate that "
        "signs the app, in base64url without '='"
    ]


def _faults_of_related(party: RelyingParty) -> list[str]:
    """Find the fault of a list of related origins that browsers do not read to its end.

    They take the names of five domains, without their endings (WebAuthn 3, 5.11.1).
    """
    hosts = [address.host for address in map(read_address, party.web_origins) if address is not None]
    names = {host.split(".")[-2] for host in hosts if "." in host and not host.startswith("[")}
    if not party.related_origins or len(names) <= MAX_RELATED:
        return []
    return [
        f"relying_party.origins: has {len(names)} domains ({', '.join(sorted(names))}); with related_origins browsers read "
        f"{MAX_RELATED} at most, so passkeys would not work at the others"
    ]


def _is_host_name(id: object) -> bool:
    if not isinstance(id, str) or not re.fullmatch(r"[a-z0-9.-]+", id) or len(id) > MAX_HOST:
        return False
    return read_address(f"https://{id}") is not None


def _as_host_name(id: object) -> str:
    """Write a name with letters beyond ASCII as browsers do; else give an example."""
    try:
        found = id.lower().encode("idna").decode() if isinstance(id, str) and not id.isascii() else ""
    except UnicodeError:
        found = ""
    return f"; write {found!r}, as browsers do" if found else ', e.g. "app.example"'


def faults_of_api_origins(origins: Sequence[str], party: RelyingParty) -> list[str]:
    """Find the faults of ``api_origins``: front ends on other origins of the same site.

    The browser sends our cookies only from the same site: same scheme, and a host of the same domain.
    """
    example = 'e.g. ["https://app.example"]'
    if isinstance(origins, (str, bytes)) or not isinstance(origins, Sequence):
        return [f"api_origins={origins!r}: must be a list of exact origins, {example}"]
    faults = []
    own = [address for address in map(read_address, party.web_origins) if address is not None]
    for origin in origins:
        name = f"api_origins: {origin!r}"
        match = _ORIGIN.fullmatch(origin) if isinstance(origin, str) else None
        address = read_address(origin) if match else None
        if match is None or address is None:
            faults.append(
                f"{name} is no exact origin; write scheme://host[:port] in lower case, without path, slash or wildcard, {example}"
            )
        elif address.url != f"{origin}/":
            faults.append(f"{name} never matches, because browsers leave the port out; write {address.url[:-1]!r}")
        elif origin in party.origins:
            faults.append(f"{name} is one of relying_party.origins already; take it out of api_origins")
        elif address.scheme not in {mine.scheme for mine in own}:
            schemes = " and ".join(sorted({mine.scheme for mine in own}))
            faults.append(f"{name} has another scheme than relying_party.origins ({schemes}); it must be the same site")
        elif not any(_is_same_site(address.host, mine.host) for mine in own):
            faults.append(
                f"{name} is another site than relying_party.origins, so no browser sends our cookies from there; serve the "
                f"front end below the same domain, or let it send a bearer token"
            )
    return faults


def faults_of_public_url(url: object, party: RelyingParty) -> list[str]:
    """Find the faults of ``public_url``: one of the origins, and a plain path. "" is none."""
    if url == "":
        return []
    example = f"e.g. {party.web_origins[0]}/app" if party.web_origins else "e.g. https://app.example/app"
    if not isinstance(url, str) or "?" in url or "#" in url:
        return [f"public_url={url!r}: must be the address of the app, without query and fragment, {example}"]
    mine = [origin for origin in party.web_origins if url == origin or url.startswith(f"{origin}/")]
    if not mine:
        return [f"public_url={url!r}: must begin with one of relying_party.origins, {example}"]
    path = url.removeprefix(mine[0])
    if not is_root(path.rstrip("/")) or path.endswith("//"):
        return [f"public_url={url!r}: the path {path!r} is not plain; write it as browsers send it, {example}"]
    return []


def origin_and_root(url: str, party: RelyingParty) -> tuple[str, str | None]:
    """Return the origin and the root path of links in messages.

    The root is None where the developer named no ``url``.
    """
    for origin in party.web_origins:
        if url and (url == origin or url.startswith(f"{origin}/")):
            return origin, url.removeprefix(origin).rstrip("/")
    return party.web_origins[0], None


def _is_same_site(one: str, other: str) -> bool:
    """Tell whether two hosts have one owner.

    The list of public suffixes is not whole. A wrong True only lists an origin that has no effect.
    """
    if one == other:
        return True
    return not any(host.startswith("[") or host[-1].isdigit() for host in (one, other)) and (
        registrable(one) == registrable(other)
    )


def proxies_of(texts: Sequence[str]) -> tuple[tuple[Proxy, ...], list[str]]:
    """Read ``trusted_proxies``: networks, and ``"unix"``.

    Returns them, and the faults of the texts that are none.
    """
    networks: list[Proxy] = []
    faults: list[str] = []
    if isinstance(texts, str):
        return (), [f'trusted_proxies={texts!r}: must be a list of networks, e.g. ["10.0.0.5"]']
    for text in texts:
        if text == UNIX:
            networks.append(UNIX)
            continue
        try:
            network = ip_network(text, strict=True)
        except ValueError as error:
            faults.append(f'trusted_proxies: {text!r} is no network ({error}); write e.g. "10.0.0.5"')
            continue
        networks.append(network)
    if is_everybody([network for network in networks if network != UNIX]):
        faults.append(
            f"trusted_proxies={list(texts)!r}: would trust everybody's word for everybody's address; list the proxies alone"
        )
    return tuple(networks), faults


def faults_of_forwarding(header: object, prefix: object, has_proxies: bool) -> list[str]:
    """Find the faults of ``address_header`` and ``forwarded_prefix``.

    ``has_proxies`` says that trusted proxies are listed: nobody else may send these headers.
    """
    faults: list[str] = []
    if not isinstance(header, str) or not _HEADER.fullmatch(header):
        faults.append(
            f'address_header={header!r}: must be the name of one header, e.g. "X-Forwarded-For", "Forwarded" or '
            '"CF-Connecting-IP"'
        )
    elif not has_proxies and header.lower() != "x-forwarded-for":
        faults.append(
            f"address_header={header!r}: is believed from trusted_proxies alone, and none is listed; give "
            'trusted_proxies=["10.0.0.5"], the proxies that replace this header'
        )
    if not isinstance(prefix, bool):
        faults.append(f"forwarded_prefix={prefix!r}: must be True or False")
    elif prefix and not has_proxies:
        faults.append(
            "forwarded_prefix=True: X-Forwarded-Prefix is believed from trusted_proxies alone, and none is listed; give "
            'trusted_proxies=["10.0.0.5"], the proxies that replace this header'
        )
    return faults


def faults_of_parts(policy: Policy, senders: Senders, contacts: ContactsOf | None, factors: Registry) -> list[str]:
    """List the parts that the policy needs and the wiring lacks.

    These are senders, the host's contacts, and optional packages.
    """
    tenants: Mapping[str, Rules] = {"": policy.base, **policy.tenants}
    faults: dict[str, None] = {}
    for tenant, rules in tenants.items():
        where = f"tenants.{tenant}.factors.allowed" if tenant else "factors.allowed"
        for kind in rules.factors.allowed:
            traits = factors.traits.get(kind)
            if traits is None:
                continue
            if traits.sends and not traits.fetched and senders.for_channel(traits.sends) is None:
                faults[
                    f"senders: {where} has {kind!r}, but nothing sends it; give senders=Senders({traits.sends}=...) "
                    f"or take {kind!r} out of the policy"
                ] = None
            sender = senders.for_channel(traits.sends)
            factor = factors[kind]
            choice = factor.without_callback(rules) if isinstance(factor, Hears) else None
            if choice is not None and sender is not None and not isinstance(sender, CallsBack):
                section = f"tenants.{tenant}.factors.{kind}" if tenant else f"factors.{kind}"
                faults[
                    f"senders: {section}.{choice[0]} needs a {traits.sends} sender with verify_callback "
                    f"(TwilioVoiceSender has it), and {type(sender).__name__} has none, so no call could ever be confirmed; "
                    f"give another one, or set {section}.{choice[1]}"
                ] = None
            if is_on_file(rules, traits) and contacts is None:
                faults[
                    f"contacts: {where} has {kind!r}, which goes to the {traits.contact} on file; give contacts=, an async "
                    "function (Subject) -> Contacts"
                ] = None
            if traits.contact == "phone" and importlib.util.find_spec("phonenumbers") is None:
                faults[f'{where} has {kind!r}, which needs the extra "sms": pip install "mfa-gate[sms]"'] = None
    return list(faults)
