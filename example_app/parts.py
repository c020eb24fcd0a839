"""Make the app's parts once a process, and give requests access to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from starlette.requests import HTTPConnection

from .accounts import Accounts
from .clock import DemoClock
from .database import Database
from .identity import Identity
from .outbox import Outbox
from .records import Records
from .settings import Settings

__all__ = ["Parts", "parts_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Hold the parts that the app's pages work with."""

    settings: Settings
    database: Database
    clock: DemoClock
    accounts: Accounts
    identity: Identity
    records: Records
    outbox: Outbox

    @classmethod
    def of(cls, settings: Settings) -> Parts:
        """Make the parts over a prepared data directory, with the first rows if there are none."""
        database = Database(settings.data / "app.db")
        clock = DemoClock(settings.data / "clock")
        accounts = Accounts(database)
        records = Records(database)
        accounts.seed()
        records.seed(clock.now())
        return cls(
            settings=settings,
            database=database,
            clock=clock,
            accounts=accounts,
            identity=Identity(accounts),
            records=records,
            outbox=Outbox(database, clock.now),
        )


def parts_of(connection: HTTPConnection) -> Parts:
    """Return the parts of the app that serves this request."""
    return cast(Parts, connection.app.state.parts)
