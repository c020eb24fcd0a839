"""Read the sources of apps: otpauth addresses, CSV, django-otp's tables, Authelia exports."""

from __future__ import annotations

import csv
import io
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from ...errors import SettingsError
from ...service.maintenance.totp_records import Raw, Record, Unusable, from_uri, judged

SQLITE = b"SQLite format 3\0"
USERS = ("user", "user_id", "username", "id", "email")
SEPARATORS = {",": "", ";": "semicolons", "\t": "tabs"}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Hold the options of a source.

    ``tenant`` is the tenant of everybody for whom the source names none. ``user_table`` and ``user_column`` name the column
    of a django-otp host's users with the id that the gate will see; for the column ``id`` the table is not read.
    """

    tenant: str = "default"
    user_table: str = "auth_user"
    user_column: str = "id"


def read(path: Path, format: str, options: Options) -> Iterator[Record | Unusable]:
    """Read every app in ``path``, judged one by one.

    ``format`` is one of ``FORMATS``, or ``auto``. Raises ``SettingsError`` for a file that cannot be read, or is not of the
    format.
    """
    try:
        with path.open("rb") as file:
            start = file.read(4096)
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from error
    chosen = _recognized(start) if format == "auto" else format
    for found in FORMATS[chosen](path, options):
        yield judged(found) if isinstance(found, Raw) else found


def _recognized(start: bytes) -> str:
    if start.startswith(SQLITE):
        return "django-otp"
    first = next((line for line in start.splitlines() if line.strip() and not line.startswith(b"#")), b"")
    return "uri" if b"otpauth:" in first else "csv"


def uris(path: Path, options: Options) -> Iterator[Raw | Unusable]:
    """Read one ``otpauth://…`` a line, with or without the user before it.

    A comma, a tab or spaces stand between the two. # begins a remark.
    """
    for number, line in enumerate(_text(path).splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        at = text.lower().find("otpauth:")
        if at < 0:
            yield Unusable(line=number, reason="uri", text="there is no otpauth: address in this line")
            continue
        user = text[:at].strip().rstrip(",;").strip().strip('"')
        yield from_uri(text[at:].rstrip('"'), line=number, user=user, tenant=options.tenant)


def table(path: Path, options: Options) -> Iterator[Raw | Unusable]:
    """Read CSV whose first line names the columns.

    Needed: a user (``user``, ``user_id``, ``username``, ``id`` or ``email``), and ``secret`` (base32), ``secret_hex`` or
    ``uri``. Optional: ``tenant``, ``label`` (or ``issuer``), ``digits``, ``period``, ``algorithm``, ``type``. Columns are
    separated by commas, semicolons or tabs. Authelia's export has the same columns.
    """
    text = _text(path)
    separator = separator_of(text)
    rows = csv.DictReader(io.StringIO(text), strict=True, delimiter=separator or ",")
    try:
        names = [(name or "").strip().lower() for name in rows.fieldnames or ()]
    except csv.Error as error:
        raise SettingsError(f"{path}, line 1: {error}") from error
    user = _user_in(names)
    if not separator:
        raise SettingsError(
            f"{path}: the first line must name the columns: a user ({', '.join(USERS)}) and secret, secret_hex or uri"
        )
    rows.fieldnames = names
    try:
        for row in rows:
            yield _from_row(row, user, rows.line_num, options)
    except csv.Error as error:
        # The number is that of the last row that could be read.
        raise SettingsError(f"{path}, from line {rows.line_num + 1} on: {error}") from error


def separator_of(text: str) -> str:
    """Find the sign that separates the needed columns' names in the first line, or ""."""
    for separator in SEPARATORS:
        try:
            found = next(csv.reader(io.StringIO(text), strict=True, delimiter=separator), [])
        except csv.Error:
            continue
        names = [name.strip().lower() for name in found]
        if {"secret", "secret_hex", "uri"} & set(names) and (_user_in(names) or "uri" in names):
            return separator
    return ""


def separator_in(path: Path, format: str) -> str:
    """Name the separator of a table's columns; "" for commas, and for other formats."""
    try:
        with path.open("rb") as file:
            start = file.read(4096)
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from error
    chosen = _recognized(start) if format == "auto" else format
    if chosen not in ("csv", "authelia"):
        return ""
    return SEPARATORS.get(separator_of(_text(path)), "")


def _user_in(names: Sequence[str]) -> str:
    return next((name for name in USERS if name in names), "")


def _from_row(row: Mapping[str, str | None], user: str, line: int, options: Options) -> Raw | Unusable:
    def cell(*names: str) -> str:
        return next((text.strip() for name in names if (text := row.get(name))), "")

    tenant = cell("tenant") or options.tenant
    if cell("uri"):
        return from_uri(cell("uri"), line=line, user=cell(user), tenant=tenant)
    return Raw(
        line=line,
        user=cell(user),
        tenant=tenant,
        secret=cell("secret", "secret_hex"),
        is_hex=not cell("secret"),
        kind=cell("type") or "totp",
        algorithm=cell("algorithm") or "SHA1",
        digits=cell("digits") or "6",
        period=cell("period") or "30",
        label=cell("label", "issuer"),
    )


def django_otp(path: Path, options: Options) -> Iterator[Raw | Unusable]:
    """Read the confirmed devices of ``otp_totp_totpdevice`` in a SQLite file, without writing.

    The last step that was used is imported too. Unconfirmed devices are passed over.
    """
    for name in (options.user_table, options.user_column):
        if not _NAME.fullmatch(name):
            raise SettingsError(f"{name!r} is no name of a table or column: write letters, digits and underscores")
    theirs = "d.user_id" if options.user_column == "id" else f'u."{options.user_column}"'
    joined = "" if options.user_column == "id" else f'LEFT JOIN "{options.user_table}" u ON u.id = d.user_id '
    query = (
        f"SELECT d.id, {theirs}, d.key, d.step, d.t0, d.digits, d.last_t, d.name "  # noqa: S608 - names were checked
        f"FROM otp_totp_totpdevice d {joined}WHERE d.confirmed ORDER BY d.id"
    )
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode=ro", uri=True)) as connection:
            for id, user, key, step, t0, digits, last, name in connection.execute(query):
                if t0:
                    text = f"time is counted from {t0} and not from 0: this app must be enrolled anew"
                    yield Unusable(line=id, reason="t0", text=text, user=str(user))
                    continue
                yield Raw(
                    line=id,
                    user="" if user is None else str(user),
                    tenant=options.tenant,
                    secret=str(key),
                    is_hex=True,
                    digits=str(digits),
                    period=str(step),
                    step=str(max(int(last), 0)),
                    label="" if name == "default" else str(name),
                )
    except sqlite3.Error as error:
        raise SettingsError(f"{path}: {error}; is this a database of a host with django-otp?") from error


def authelia(path: Path, options: Options) -> Iterator[Raw | Unusable]:
    """Read the output of ``authelia storage user totp export csv`` (or ``uri``)."""
    text = _text(path)
    if "totp_configurations:" in text:
        raise SettingsError(f"{path}: this is Authelia's YAML; export it as: authelia storage user totp export csv")
    return uris(path, options) if text.lstrip().lower().startswith("otpauth:") else table(path, options)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read as UTF-8 ({error})") from error


FORMATS: Mapping[str, Callable[[Path, Options], Iterator[Raw | Unusable]]] = {
    "uri": uris,
    "csv": table,
    "django-otp": django_otp,
    "authelia": authelia,
}
"""Every format by its name."""
