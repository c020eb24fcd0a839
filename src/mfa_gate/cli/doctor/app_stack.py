"""Examine a gate without opening anything: stack, cookies, proxies, secrets, keys."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...keyring import KeyFault, Keyring
from ...middleware_order import inwards, layers_of
from ...ports import NamesSession
from ...web.callers import NO_SESSION_NAMED
from ...web.forwarders import VARIABLES, believes_everybody
from .verdicts import Line

if TYPE_CHECKING:
    from ...gate import MFAGate

LEAST_SECRET = 16
COMMON = frozenset({"secret", "changeme", "change-me", "password", "test", "dev", "key", "secret-key", "supersecret"})


def gate_of(app: Any) -> MFAGate | None:
    """Find the gate of an app: in its own stack, or wrapped around it."""
    from ...web.middleware import MFAGateMiddleware

    for at in inwards(app):
        if isinstance(at, MFAGateMiddleware):
            return at.gate  # type: ignore[return-value]
        for item in getattr(at, "user_middleware", ()):
            if item.cls is MFAGateMiddleware:
                found: MFAGate = item.kwargs["gate"]
                return found
    return None


def starlette_of(app: Any) -> Any:
    """Return the app itself, inside of everything that is wrapped around it."""
    found = inwards(app)
    return next((at for at in found if hasattr(at, "user_middleware")), found[-1])


def order(app: Any, gate: MFAGate) -> Iterator[Line]:
    """Report the stack as it runs, and parts of it that let requests past or hide the user."""
    found = layers_of(app)
    yield Line("note", "order", " > ".join([*found.names, type(found.app).__name__]))
    faults = list(gate.check(app))
    for fault in faults:
        yield Line("fault", "order", fault)
    if found.gates and "GZipMiddleware" in found.names[: found.gates[0]]:
        fix = "Add it before gate.install(app)" if found.is_installed else "Put it inside of the gate"
        yield Line(
            "warning",
            "order",
            f"GZipMiddleware is outside the gate: pages with secrets are compressed (BREACH). {fix}",
        )
    if not faults:
        yield Line("ok", "order", "the gate sees who is signed in before the app does")


def cookies(app: Any, gate: MFAGate) -> Iterator[Line]:
    """Report if the gate has https, and if the host's session cookie is safe.

    The whole second factor rests on that cookie.
    """
    origins = gate.service.engine.wiring.relying_party.web_origins
    plain = [origin for origin in origins if not origin.startswith("https:")]
    if plain and len(plain) < len(origins):
        yield Line(
            "warning", "cookies", f"{', '.join(plain)} is not https, so cookies are not always Secure; list https only"
        )
    elif plain:
        yield Line("note", "cookies", f"development: {', '.join(plain)} is not https, cookies are not Secure")
    else:
        yield Line("ok", "cookies", "every origin is https: cookies are Secure and named __Host-")
    for options in _sessions(app):
        if not plain and not options.get("https_only"):
            yield Line(
                "warning",
                "cookies",
                "SessionMiddleware: https_only=True is missing, the sign-in travels over http, too",
            )
        if options.get("same_site") == "none":
            yield Line("warning", "cookies", 'SessionMiddleware: same_site="none" lets other sites use the sign-in')


def secrets_of(app: Any, gate: MFAGate) -> Iterator[Line]:
    """Report a session secret of the host that is weak or one of the gate's own keys (S-120)."""
    ring = gate.service.engine.keyring
    for options in _sessions(app):
        secret = str(options.get("secret_key", ""))
        if len(secret) < LEAST_SECRET or secret.lower() in COMMON or len(set(secret)) < LEAST_SECRET // 2:
            yield Line(
                "fault",
                "secrets",
                "SessionMiddleware: the secret_key can be guessed, and with it anybody's sign-in; draw one: "
                'python -c "import secrets; print(secrets.token_urlsafe(48))"',
            )
        elif _is_ours(secret, ring):
            yield Line(
                "fault", "secrets", "SessionMiddleware: the secret_key is one of the gate's keys; give each its own"
            )
        else:
            yield Line("ok", "secrets", "the session's secret is its own and long enough")


def sessions(gate: MFAGate) -> Iterator[Line]:
    """Report if sign-ins have a name: a browser that is not remembered ends with it."""
    identify = gate.web.callers.identify
    if not isinstance(identify, NamesSession):
        return
    if identify.names_session:
        yield Line("ok", "sessions", "a browser that is not remembered ends with its sign-in")
    else:
        yield Line("warning", "sessions", NO_SESSION_NAMED)


def proxies(app: Any, gate: MFAGate, environ: Mapping[str, str] = os.environ) -> Iterator[Line]:
    """Report the proxies whose word counts for a client's address."""
    trusted = gate.service.engine.wiring.trusted_proxies
    server = next(filter(None, (environ.get(name, "").strip() for name in VARIABLES)), "")
    if believes_everybody(server) or any(believes_everybody(host) for host in _forwarders(app)):
        yield Line(
            "fault",
            "proxies",
            "the server takes anybody's word for an address (FORWARDED_ALLOW_IPS=* or trusted_hosts=*): a proof can be "
            "used from anywhere, and logs lie; name the proxies",
        )
    elif trusted and server:
        yield Line(
            "warning",
            "proxies",
            f"both the server (FORWARDED_ALLOW_IPS={server}) and trusted_proxies read X-Forwarded-For: behind the server's "
            "reading the gate sees no proxy any more; use one of them (uvicorn: --no-proxy-headers)",
        )
    elif trusted:
        callers = gate.web.callers
        told = callers.told_in.decode().title() + (
            " and X-Forwarded-Prefix count" if callers.reads_prefix else " counts"
        )
        yield Line("ok", "proxies", f"{told} from {', '.join(map(str, trusted))}")
    elif server:
        yield Line("ok", "proxies", f"the server reads X-Forwarded-For from {server}; the gate takes its word")
    else:
        yield Line(
            "note",
            "proxies",
            "no trusted_proxies: behind a proxy everybody would come from its one address; list it then. An option of the "
            "server (--forwarded-allow-ips) cannot be seen from here; it is looked at when the app starts",
        )


def keys(gate: MFAGate) -> Iterator[Line]:
    """Report the number of keys."""
    ring = gate.service.engine.keyring
    ids = ring.ids
    more = f"; {len(ids) - 1} older: mfa-gate keys rotate, then take them out" if len(ids) > 1 else ""
    yield Line("ok", "keys", f"{ids[0]} seals and signs{more}")


def _sessions(app: Any) -> Sequence[Mapping[str, Any]]:
    stack = getattr(starlette_of(app), "user_middleware", ())
    return [item.kwargs for item in stack if getattr(item.cls, "__name__", "") == "SessionMiddleware"]


def _forwarders(app: Any) -> list[str]:
    """List the hosts that uvicorn's ProxyHeadersMiddleware believes, if it was added by hand."""
    hosts: list[str] = []
    for item in getattr(starlette_of(app), "user_middleware", ()):
        if getattr(item.cls, "__name__", "") == "ProxyHeadersMiddleware":
            given = item.kwargs.get("trusted_hosts", "127.0.0.1")
            hosts += [given] if isinstance(given, str) else list(given)
    return hosts


def _is_ours(secret: str, ring: Keyring) -> bool:
    try:
        return Keyring([secret]).newest in ring.ids
    except KeyFault:
        return False
