"""The forms of a line for log systems: JSON, ECS, OCSF, CEF and syslog."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from ipaddress import ip_address

from ...core.events import KINDS, Event
from ...core.events.weight import HIGH, LOW, MEDIUM, outcome_of, severity_of
from ...web.api.admin import event_json
from ..terminal import json_text, one_line

ECS_VERSION, OCSF_VERSION = "8.11.0", "1.3.0"
PRODUCT = "mfa_gate"
PARTS = ("tenant", "account", "actor", "app", "factor", "network", "address", "browser", "agent", "session", "request",
         "reason", "ticket", "policy")  # fmt: skip

_ECS: Mapping[str, tuple[str, str]] = {
    "attempt": ("authentication", "info"),
    "challenge": ("authentication", "info"),
    "proof": ("authentication", "start"),
    "session": ("authentication", "end"),
    "proofs": ("authentication", "end"),
    "browser": ("authentication", "info"),
    "account": ("iam", "user"),
    "factor": ("iam", "user"),
    "backup_codes": ("iam", "user"),
    "enrollment": ("iam", "user"),
    "recovery": ("iam", "user"),
    "break_glass": ("iam", "admin"),
    "admin": ("iam", "admin"),
    "tenant": ("configuration", "change"),
    "keys": ("configuration", "change"),
}
"""Category and type of ECS, by the first part of the kind. All others are information about the configuration."""

LOGON, LOGOFF, ACCOUNT = (3002, 1), (3002, 2), 3001
_OCSF: Mapping[str, tuple[int, int]] = {
    "proof.granted": LOGON,
    "proof.upstream": LOGON,
    "attempt.failed": LOGON,
    "attempt.refused": LOGON,
    "session.ended": LOGOFF,
    "proofs.revoked": LOGOFF,
    "account.locked": (ACCOUNT, 9),
    "account.forgotten": (ACCOUNT, 6),
    "account.unlocked": (ACCOUNT, 2),
    "factor.enrolled": (ACCOUNT, 10),
    "factor.replaced": (ACCOUNT, 10),
    "factor.removed": (ACCOUNT, 11),
    "account.reset": (ACCOUNT, 11),
    "backup_codes.made": (ACCOUNT, 10),
}
"""Class and activity of OCSF. An event about a person that is not here is activity 99 (other) of Account Change; one about
nobody is a Base Event."""


def moment_of(event: Event) -> str:
    """Write the time with milliseconds (RFC 3339)."""
    at = datetime.fromtimestamp(event.at, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{event.ms:03d}Z"


def _ip(event: Event) -> str:
    """Return the address, "" where there is none: a network is none."""
    for text in (event.address, event.network.removesuffix("/32").removesuffix("/128")):
        try:
            return str(ip_address(text))
        except ValueError:
            continue
    return ""


def _words(event: Event) -> dict[str, str]:
    found = {name: getattr(event, name) for name in PARTS if getattr(event, name)}
    return found | {f"detail_{name}": str(value) for name, value in event.detail.items()}


def _sentence(event: Event) -> str:
    return KINDS.get(event.kind, event.kind)


def as_json(event: Event) -> str:
    """Write the document of the JSON call."""
    return json_text(event_json(event))


def as_ecs(event: Event) -> str:
    """Write a document of the Elastic Common Schema."""
    category, kind = _ECS.get(event.kind.partition(".")[0], ("configuration", "info"))
    ip = _ip(event)
    document: dict[str, object] = {
        "@timestamp": moment_of(event),
        "ecs": {"version": ECS_VERSION},
        "message": _sentence(event),
        "event": {
            "kind": "alert" if severity_of(event) == HIGH else "event",
            "category": [category],
            "type": [kind],
            "action": event.kind,
            "outcome": outcome_of(event),
            "severity": {LOW: 1, MEDIUM: 5, HIGH: 8}[severity_of(event)],
            "id": event.id,
            "provider": PRODUCT,
            "dataset": f"{PRODUCT}.audit",
            **({"reason": event.reason} if event.reason else {}),
        },
        "organization": {"id": event.tenant},
        "labels": {name: one_line(value) for name, value in _words(event).items()},
    }
    if event.account:
        document["user"] = {"id": event.account}
    if ip or event.network:
        document["source"] = {"address": ip or event.network, **({"ip": ip} if ip else {})}
    if event.agent:
        document["user_agent"] = {"name": event.agent}
    if event.request:
        document["http"] = {"request": {"id": event.request}}
    return json_text(document)


def as_ocsf(event: Event) -> str:
    """Write an event of the Open Cybersecurity Schema Framework."""
    class_uid, activity = _OCSF.get(event.kind, (ACCOUNT, 99) if event.account else (0, 99))
    outcome, ip = outcome_of(event), _ip(event)
    document: dict[str, object] = {
        "class_uid": class_uid,
        "category_uid": class_uid // 1000,
        "activity_id": activity,
        "activity_name": event.kind,
        "type_uid": class_uid * 100 + activity,
        "time": event.at * 1000 + event.ms,
        "severity_id": {LOW: 1, MEDIUM: 3, HIGH: 4}[severity_of(event)],
        "status_id": {"success": 1, "failure": 2, "unknown": 0}[outcome],
        "status_detail": event.reason or outcome,
        "message": _sentence(event),
        "metadata": {
            "version": OCSF_VERSION,
            "uid": event.id,
            "product": {"name": PRODUCT, "vendor_name": PRODUCT},
            "tenant_uid": event.tenant,
            "log_name": "audit",
        },
        "unmapped": _words(event),
    }
    if class_uid:
        document["user"] = {"uid": event.account or event.actor}
    if event.actor and event.actor != event.account:
        document["actor"] = {"user": {"uid": event.actor}}
    if class_uid == LOGON[0]:
        document |= {"is_mfa": True, "is_remote": True, "service": {"name": event.app or PRODUCT}}
    if ip:
        document["src_endpoint"] = {"ip": ip}
    return json_text(document)


def as_cef(event: Event) -> str:
    """Write a line of ArcSight's Common Event Format."""
    severity = {LOW: 2, MEDIUM: 5, HIGH: 8}[severity_of(event)]
    head = "|".join(
        _head(part) for part in ("CEF:0", PRODUCT, PRODUCT, "1", event.kind, _sentence(event), str(severity))
    )
    ip = _ip(event)
    named = {
        "rt": str(event.at * 1000 + event.ms),
        "externalId": event.id,
        "outcome": outcome_of(event),
        "duid": event.account,
        "suid": event.actor,
        **({"src": ip} if ip and ":" not in ip else {"c6a2": ip, "c6a2Label": "source" if ip else ""}),
        "reason": event.reason,
        "requestClientApplication": event.agent,
        "cs1": event.tenant,
        "cs1Label": "tenant",
        "cs2": event.factor,
        "cs2Label": "factor" if event.factor else "",
        "cs3": event.browser,
        "cs3Label": "browser" if event.browser else "",
        "cs4": event.ticket,
        "cs4Label": "ticket" if event.ticket else "",
        "cs5": event.network,
        "cs5Label": "network" if event.network else "",
        "cs6": json.dumps(dict(event.detail), sort_keys=True) if event.detail else "",
        "cs6Label": "detail" if event.detail else "",
    }
    return f"{head}|" + " ".join(f"{name}={_value(text)}" for name, text in named.items() if text)


def _head(text: str) -> str:
    return one_line(text).replace("\\", "\\\\").replace("|", "\\|")


def _value(text: str) -> str:
    return one_line(text).replace("\\", "\\\\").replace("=", "\\=")


def as_syslog(event: Event) -> str:
    """Write a line of syslog (RFC 5424), facility authpriv."""
    level = {LOW: 6, MEDIUM: 4, HIGH: 1}[severity_of(event)]
    host = "".join(letter for letter in socket.gethostname() if "!" <= letter <= "~")[:255] or "-"
    words = {"ref": event.id, "outcome": outcome_of(event), **_words(event)}
    data = " ".join(f'{_name(name)}="{_quoted(text)}"' for name, text in words.items())
    return f"<{80 + level}>1 {moment_of(event)} {host} {PRODUCT} - {event.kind[:32]} [mfa_gate@32473 {data}] {_sentence(event)}"


def _name(text: str) -> str:
    return "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in text)[:32]


def _quoted(text: str) -> str:
    text = one_line(text)
    for letter in '\\"]':
        text = text.replace(letter, "\\" + letter)
    return text


FORMATS: Mapping[str, Callable[[Event], str]] = {
    "json": as_json,
    "ecs": as_ecs,
    "ocsf": as_ocsf,
    "cef": as_cef,
    "syslog": as_syslog,
}
