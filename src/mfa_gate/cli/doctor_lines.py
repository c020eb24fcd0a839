"""What can be told of a gate by looking at it: stack, cookies, proxies, secrets, accents. Nothing is opened."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ..core.assurance import combine, could_meet
from ..core.policy import Facts, demands_for, factors_for
from ..core.rules import TenantSettings
from ..keyring import KeyFault, Keyring
from ..ports import NamesSession
from ..web.endpoint_demands import demands_in
from ..web.forwarders import VARIABLES, believes_everybody
from ..web.gate import NO_SESSION_NAMED

if TYPE_CHECKING:
    from ..gate import MFAGate

Verdict = Literal["ok", "note", "warning", "fault"]

LEAST_SECRET = 16
COMMON = frozenset({"secret", "changeme", "change-me", "password", "test", "dev", "key", "secret-key", "supersecret"})


@dataclass(frozen=True, slots=True)
class Line:
    """One verdict. ``part`` is what was looked at."""

    verdict: Verdict
    part: str
    text: str


def gate_of(app: Any) -> MFAGate | None:
    """The gate around an app: in its own stack, or wrapped about it."""
    from ..web.middleware import MFAGateMiddleware

    at = app
    while at is not None:
        if isinstance(at, MFAGateMiddleware):
            return at.gate  # type: ignore[return-value]
        for item in getattr(at, "user_middleware", ()):
            if item.cls is MFAGateMiddleware:
                found: MFAGate = item.kwargs["gate"]
                return found
        at = getattr(at, "app", None)
    return None


def starlette_of(app: Any) -> Any:
    """The app itself, inside of what is wrapped about it."""
    at = app
    while not hasattr(at, "user_middleware") and getattr(at, "app", None) is not None:
        at = at.app
    return at


def order(app: Any, gate: MFAGate) -> Iterator[Line]:
    """The stack as it runs, and what in it lets something past or hides who is signed in."""
    stack = list(getattr(starlette_of(app), "user_middleware", ()))
    names = [getattr(item.cls, "__name__", str(item.cls)) for item in stack]
    yield Line("note", "order", " > ".join([*names, type(starlette_of(app)).__name__]) or "no middleware")
    faults = list(gate.check(starlette_of(app)))
    for fault in faults:
        yield Line("fault", "order", fault)
    outside = names[: names.index("MFAGateMiddleware")] if "MFAGateMiddleware" in names else []
    if "GZipMiddleware" in outside:
        yield Line(
            "warning",
            "order",
            "GZipMiddleware is outside the gate: pages with secrets are compressed (BREACH). Add it before gate.install(app)",
        )
    if not faults:
        yield Line("ok", "order", "the gate sees who is signed in before the app does")


def cookies(app: Any, gate: MFAGate) -> Iterator[Line]:
    """Https, and the host's own session cookie, which the whole second factor stands on."""
    origins = gate.service.engine.wiring.relying_party.origins
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
    """The host's session secret: weak, or one of the gate's own keys (S-120)."""
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
    """Look whether sign-ins have a name: a browser that is not remembered ends with it."""
    identify = gate.guard.identify
    if not isinstance(identify, NamesSession):
        return
    if identify.names_session:
        yield Line("ok", "sessions", "a browser that is not remembered ends with its sign-in")
    else:
        yield Line("warning", "sessions", NO_SESSION_NAMED)


def proxies(app: Any, gate: MFAGate, environ: Mapping[str, str] = os.environ) -> Iterator[Line]:
    """Whose word counts for a client's address."""
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
        yield Line("ok", "proxies", f"X-Forwarded-For counts from {', '.join(map(str, trusted))}")
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
    """How many keys there are."""
    ring = gate.service.engine.keyring
    ids = ring.ids
    more = f"; {len(ids) - 1} older: mfa-gate keys rotate, then take them out" if len(ids) > 1 else ""
    yield Line("ok", "keys", f"{ids[0]} seals and signs{more}")


def policy(app: Any, gate: MFAGate) -> Iterator[Line]:
    """What the policy's owner should know, and rules that match no route of this app."""
    from ..policyfile import findings
    from ..policyfile.tools.routes import idle_rules, leaves_of

    found = findings(gate.policy, now=int(time.time()), factors=gate.service.engine.factors)
    for finding in found:
        yield Line(finding.severity, "policy", f"{finding.path}: {finding.text}")
    try:
        idle = idle_rules(gate.policy, leaves_of(starlette_of(app)))
    except ValueError:
        idle = ()
    for name in idle:
        yield Line("warning", "policy", f"{name} matches no route of this app")
    if not found and not idle:
        yield Line("ok", "policy", f'"{gate.policy.name}" has no weak spots and its rules match routes')


def endpoints(app: Any, gate: MFAGate) -> Iterator[Line]:
    """Name the demands of endpoints that no factor of a tenant meets: closed to everybody."""
    known = tuple(dict.fromkeys(demands_in(starlette_of(app))))
    for tenant, rules in (("", gate.policy.base), *gate.policy.tenants.items()):
        allowed = factors_for(rules, TenantSettings(tenant=tenant))
        everywhere, _ = demands_for(rules, Facts(tenant=tenant, groups=frozenset(), method="GET", path=""))
        for demand in known:
            joint = combine((*everywhere, demand), rule=demand.rule)
            if not any(could_meet(kind, joint, gate.service.engine.factors.traits) for kind in allowed):
                wanted = "a phishing-resistant factor" if joint.phishing_resistant else " or ".join(demand.factors_any)
                where = f'in tenant "{tenant}"' if tenant else "by the policy"
                yield Line(
                    "fault",
                    "policy",
                    f"{demand.rule} asks for {wanted}, and {where} only {', '.join(allowed)} can be used",
                )


def accents(gate: MFAGate) -> Iterator[Line]:
    """The brand's color: whether the pages can use it as it is (WCAG 2.2, 1.4.3)."""
    from ..web.color import WHITE, contrast, parse

    told: dict[str, str] = {}
    for tenant, rules in (("the file", gate.policy.base), *gate.policy.tenants.items()):
        if rules.brand.accent:
            told.setdefault(rules.brand.accent, tenant)
    weak = {accent: where for accent, where in told.items() if contrast(parse(accent), WHITE) < 4.5}
    for accent, where in weak.items():
        ratio = contrast(parse(accent), WHITE)
        yield Line("note", "accent", f"{accent} ({where}) has {ratio:.1f}:1 on white: text uses a darker shade of it")
    if told and not weak:
        yield Line("ok", "accent", f"{', '.join(told)} can be read as text on white")


def _sessions(app: Any) -> Sequence[Mapping[str, Any]]:
    stack = getattr(starlette_of(app), "user_middleware", ())
    return [item.kwargs for item in stack if getattr(item.cls, "__name__", "") == "SessionMiddleware"]


def _forwarders(app: Any) -> list[str]:
    """Whom uvicorn's ProxyHeadersMiddleware believes, where it was added by hand."""
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
