"""The parts of a Redis URL: servers, sign-in, and options."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import unquote

from ...errors import SettingsError
from ..common.urls import RESERVED, options_in, parts_of, without_password, without_secrets
from .timing import USUAL, Timing

Kind = Literal["single", "sentinel", "cluster"]
_KINDS: dict[str, Kind] = {
    "redis": "single",
    "rediss": "single",
    "redis+sentinel": "sentinel",
    "redis+cluster": "cluster",
}
_PORTS: dict[Kind, int] = {"single": 6379, "sentinel": 26379, "cluster": 6379}
_SAMPLES: dict[Kind, str] = {
    "single": "redis://user:password@host:6379/0",
    "sentinel": "redis+sentinel://user:password@host:26379,host:26379/service/0",
    "cluster": "redis+cluster://user:password@host:6379,host:6379",
}
_OPTIONS = ("durable", "replicas", "tls", "ca", "marker", "sentinel_user", "sentinel_password")

Address = tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The place of a Redis store.

    ``hosts`` are the servers, the Sentinels, or some nodes of the Cluster. The Sentinels have a sign-in of their own, if any.
    """

    kind: Kind
    hosts: tuple[Address, ...]
    service: str = ""
    database: int = 0
    username: str = ""
    password: str = field(default="", repr=False)
    sentinel_user: str = ""
    sentinel_password: str = field(default="", repr=False)
    tls: bool = False
    ca: str = ""
    replicas: int = 0
    durable: bool = True
    generation_file: str = ""
    shown: str = ""
    timing: Timing = USUAL


def place_of(url: str, *, replicas: int = 0, durable: bool = True, timing: Timing = USUAL) -> Place:
    """Read ``url``. Its options win over the parameters.

    Raises ``SettingsError`` that says what to write instead.
    """
    shown = without_password(url)
    try:
        parts = parts_of(url)
        kind = _KINDS[parts.scheme]
        options = dict(options_in(parts.query))
        if "#" in url:  # a password would end there, and a user be taken for the host
            raise ValueError("it has a #")
    except (ValueError, KeyError) as error:
        text = without_secrets(str(error), url)
        raise SettingsError(f"store {shown!r} cannot be read as a Redis URL ({text}): {RESERVED}") from None
    if unknown := sorted(set(options) - set(_OPTIONS)):
        raise SettingsError(f"store {shown!r}: unknown option {unknown[0]!r}; there are {', '.join(_OPTIONS)}")
    sign_in, _, hosts = parts.netloc.rpartition("@")
    username, _, password = sign_in.partition(":")
    service, database = _path_of(kind, parts.path, shown)
    return Place(
        kind=kind,
        hosts=tuple(_host_of(host, kind, shown) for host in hosts.split(",")),
        service=service,
        database=database,
        username=unquote(username),
        password=unquote(password),
        sentinel_user=options.get("sentinel_user", ""),
        sentinel_password=options.get("sentinel_password", ""),
        tls=parts.scheme == "rediss" or _flag(options, "tls", shown, default=False),
        ca=options.get("ca", ""),
        replicas=_number(options.get("replicas", str(replicas)), "replicas", shown),
        durable=_flag(options, "durable", shown, default=durable),
        generation_file=_file(options, "marker", shown),
        shown=shown,
        timing=timing,
    )


def _path_of(kind: Kind, path: str, shown: str) -> tuple[str, int]:
    words = [unquote(word) for word in path.split("/")[1:] if word]
    service = ""
    if kind == "sentinel":
        if not words:
            raise SettingsError(f"store {shown!r} names no service: write {_SAMPLES[kind]}")
        service = words.pop(0)
    if len(words) > 1 or (words and kind == "cluster"):
        raise SettingsError(f"store {shown!r} has more in its path than there is: write {_SAMPLES[kind]}")
    return service, _number(words[0], "database", shown) if words else 0


def _host_of(text: str, kind: Kind, shown: str) -> Address:
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        host, port = text, str(_PORTS[kind])
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    if not {"[", "]"}.isdisjoint(host):
        raise SettingsError(f"store {shown!r} cannot be read as a Redis URL (a host has one bracket): {RESERVED}")
    if not host:
        raise SettingsError(f"store {shown!r} names no host: write {_SAMPLES[kind]}")
    number = _number(port, "port", shown)
    if not 0 < number < 65_536:
        raise SettingsError(f"store {shown!r}: {number} is no port: write 1 to 65535")
    return host, number


def _number(text: str, what: str, shown: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 7):
        named = f"{what} {text!r}" if text in shown else what  # a part of a password that no @ was seen behind
        raise SettingsError(f"store {shown!r}: the {named} is no number: write digits; {RESERVED}")
    return int(text)


def _file(options: dict[str, str], name: str, shown: str) -> str:
    path = options.get(name)
    if path is not None and (not path or "\0" in path):
        raise SettingsError(f"store {shown!r}: {name}= names no file: write {name}=/var/lib/app/{name}")
    return path or ""


def _flag(options: dict[str, str], name: str, shown: str, *, default: bool) -> bool:
    value = options.get(name)
    if value not in (None, "true", "false"):
        raise SettingsError(f"store {shown!r}: {name}={value} is neither true nor false")
    return default if value is None else value == "true"
