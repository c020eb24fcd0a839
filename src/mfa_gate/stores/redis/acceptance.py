"""Acceptance of an older copy in Redis by an operator (F-38, S-123)."""

from __future__ import annotations

import json

from ...errors import SettingsError
from ..common.generation_file import GenerationFile
from .monitor import number_of
from .names import PREFIX, RESTORED, STORE, TENANTS, keys_of
from .schema import require_known_schema
from .scripts import ACCEPT
from .session import Session
from .writes import new_operation


async def accept(session: Session, generation_file: GenerationFile | None) -> None:
    """Accept the data that Redis holds now as the store.

    ``generation_file`` is this machine's memory of the store, or None. The time of the acceptance is written to each
    tenant's head, so every load reads it in the same reply as the account. The key ``RESTORED`` is written last: from
    then on workers and marker files stop refusing. A call that broke off may be repeated.

    Raises ``SettingsError`` if Redis holds no store or another one. The time is that of Redis' own clock.
    """
    found, before, time, names = await session.ask(
        STORE, ("GET", STORE), ("GET", RESTORED), ("TIME",), ("SMEMBERS", TENANTS)
    )
    require_known_schema(session.place, found)
    if generation_file is not None:
        generation_file.require((found or b"").decode())
    if found is None:
        raise SettingsError("Redis holds no store: put a copy in place first, or start the app to begin anew")
    at, store_id = max(int(time[0]), number_of(before) + 1), found.decode()
    for tenant in sorted(name.decode() for name in names):
        payload = json.dumps([tenant, None, new_operation()])
        reply = await session.run(ACCEPT, [keys_of(tenant).head], store_id, f"{PREFIX}changed:{store_id}", payload, at)
        if reply[0] == b"gone":
            raise SettingsError(
                f"the accounts of tenant {tenant!r} in Redis belong to another store: put one whole copy in place first"
            )
    await session.ask(STORE, ("SET", RESTORED, at), writes=True)
