"""The rights that the role of an application needs in PostgreSQL.

They are given by the owner, and looked for at the start.
"""

from __future__ import annotations

import re

from ...errors import SettingsError
from .connections import Connection
from .schema import TABLES
from .url import Place

_ROLE = re.compile(r"[^\0\"]{1,63}")
_ALL = ("SELECT", "INSERT", "UPDATE", "DELETE")
_NEEDED = {
    **dict.fromkeys(TABLES, _ALL),
    "about": ("SELECT", "UPDATE"),
    "counter": ("SELECT", "UPDATE"),
    "trail": ("SELECT", "INSERT", "UPDATE"),
    "event": ("SELECT", "INSERT"),
}
"""By table. A trail that can only be added to is enough for the service; who removes lines has all rights on ``event``."""


async def grant(connection: Connection, place: Place, role: str, *, insert_only: bool) -> None:
    """Give a role exactly what the application needs.

    ``insert_only``: it adds lines to the trail and can neither alter nor remove one. Raises ``SettingsError`` for a name
    that is no role's.
    """
    if not _ROLE.fullmatch(role):
        raise SettingsError(f"{role!r} is no name of a role")
    schema, to = place.quoted_schema, f'TO "{role}"'
    given = _NEEDED if insert_only else {**_NEEDED, "event": _ALL}
    statements = [
        f'REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM "{role}"',
        f"GRANT USAGE ON SCHEMA {schema} {to}",
        f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {schema} {to}",
        *(f"GRANT {', '.join(rights)} ON {schema}.{table} {to}" for table, rights in given.items()),
    ]
    async with connection.transaction():
        await connection.execute(";\n".join(statements))


async def missing_rights(connection: Connection, place: Place) -> str:
    """Name what the role of this connection lacks, with the way to give it, or return ""."""
    pairs = [(f"{place.quoted_schema}.{table}", right) for table, rights in _NEEDED.items() for right in rights]
    rows = await connection.execute(
        "SELECT k.r || ' on ' || k.t FROM unnest(%s::text[], %s::text[]) k(t, r)"
        " WHERE NOT has_table_privilege(k.t, k.r) UNION ALL"
        " SELECT 'EXECUTE on ' || p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
        " WHERE n.nspname = %s AND NOT has_function_privilege(p.oid, 'EXECUTE')",
        ([table for table, _ in pairs], [right for _, right in pairs], place.schema),
    )
    lacking = [row[0] async for row in rows]
    if not lacking:
        return ""
    more = f" and {len(lacking) - 3} more" if len(lacking) > 3 else ""
    return (
        f"the role {connection.info.user} lacks rights ({', '.join(lacking[:3])}{more}): as the owner of the schema "
        f"{place.schema}, run: mfa-gate store upgrade --grant-to {connection.info.user}"
    )
