"""The parts of a PostgreSQL URL: hosts, sign-in, and the options of the store."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from psycopg import Error
from psycopg.conninfo import conninfo_to_dict

from ...errors import SettingsError
from ..common.urls import RESERVED, options_in, parts_of, without_password, without_secrets
from .timing import USUAL, Timing

DEFAULT_SCHEMA = "mfa_gate"
LEAST_CONNECTIONS, MOST_CONNECTIONS = 2, 100
_OPTIONS = ("schema", "marker", "durable", "connections")
_SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_SAMPLE = f"postgresql://user:password@host:5432/database ({RESERVED})"

Address = tuple[str, str]
"""Host (or the folder of a socket) and port, as libpq takes them; "" is its own default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The place of a PostgreSQL store.

    ``parameters`` are libpq's, without host and port. ``connections`` is the most that one process opens for its calls;
    there are one more for change notices and one for lists.
    """

    hosts: tuple[Address, ...]
    parameters: Mapping[str, str] = field(repr=False)
    schema: str = DEFAULT_SCHEMA
    durable: bool = True
    generation_file: str = ""
    connections: int = 4
    shown: str = ""
    timing: Timing = USUAL

    @property
    def quoted_schema(self) -> str:
        """Return the schema as it stands in a statement."""
        return f'"{self.schema}"'


def place_of(url: str, *, timing: Timing = USUAL) -> Place:
    """Read ``url``. What is no option of the store is libpq's, e.g. ``sslmode``.

    Raises ``SettingsError`` that says what to write instead.
    """
    shown = without_password(url)
    try:
        parts = parts_of(url)
        given = options_in(parts.query)
        options = {name: value for name, value in given if name in _OPTIONS}
        rest = urlencode([one for one in given if one[0] not in _OPTIONS], quote_via=quote)
        read = conninfo_to_dict(f"postgresql://{parts.netloc}{parts.path}" + (f"?{rest}" if rest else ""))
    except (ValueError, Error) as error:
        text = without_secrets(str(error).strip(), url)
        raise SettingsError(f"store {shown!r} cannot be read as a PostgreSQL URL ({text}): write {_SAMPLE}") from None
    parameters = {name: str(value) for name, value in read.items() if value is not None}
    if not parameters.get("dbname"):
        raise SettingsError(f"store {shown!r} names no database: write {_SAMPLE}")
    if "," in parameters.get("hostaddr", ""):
        raise SettingsError(f"store {shown!r} has several addresses in hostaddr=: write them as the hosts")
    return Place(
        hosts=_hosts_of(parameters.pop("host", ""), parameters.pop("port", ""), shown),
        parameters=parameters,
        schema=_schema_of(options, shown),
        durable=_flag_of(options, "durable", shown),
        generation_file=_file_of(options, "marker", shown),
        connections=_number_of(options, "connections", shown),
        shown=shown,
        timing=timing,
    )


def _hosts_of(hosts: str, ports: str, shown: str) -> tuple[Address, ...]:
    names, numbers = hosts.split(","), ports.split(",")
    if len(numbers) == 1:
        numbers *= len(names)
    if len(numbers) != len(names):
        raise SettingsError(f"store {shown!r} has {len(names)} hosts and {len(numbers)} ports: give each host its own")
    if any(number and not number.isdecimal() for number in numbers):
        raise SettingsError(f"store {shown!r} has a port that is no number: write {_SAMPLE}")
    return tuple(zip(names, numbers, strict=True))


def _schema_of(options: Mapping[str, str], shown: str) -> str:
    schema = options.get("schema", DEFAULT_SCHEMA)
    if not _SCHEMA.fullmatch(schema) or schema.startswith("pg_"):
        raise SettingsError(
            f"store {shown!r}: schema={schema} is no name for a schema: write lower case letters, digits and _"
        )
    return schema


def _flag_of(options: Mapping[str, str], name: str, shown: str) -> bool:
    value = options.get(name, "true")
    if value not in ("true", "false"):
        raise SettingsError(f"store {shown!r}: {name}={value} is neither true nor false")
    return value == "true"


def _file_of(options: Mapping[str, str], name: str, shown: str) -> str:
    path = options.get(name)
    if path is not None and (not path or "\0" in path):
        raise SettingsError(f"store {shown!r}: {name}= names no file: write {name}=/var/lib/app/{name}")
    return path or ""


def _number_of(options: Mapping[str, str], name: str, shown: str) -> int:
    text = options.get(name, "4")
    if (
        not (text.isascii() and text.isdecimal() and len(text) < 4)
        or not LEAST_CONNECTIONS <= int(text) <= MOST_CONNECTIONS
    ):
        raise SettingsError(
            f"store {shown!r}: {name}={text}: write a number from {LEAST_CONNECTIONS} to {MOST_CONNECTIONS}"
        )
    return int(text)
