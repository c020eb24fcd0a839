"""The app's parts, made once a process, and how a request gets at them."""

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
    """What the app's pages work with."""

    settings: Settings
    database: Database
    clock: DemoClock
    accounts: Accounts
    identity: Identity
    records: Records
    outbox: Outbox

    @classmethod
    def of(cls, settings: Settings) -> Parts:
        """The parts over a prepared data directory; the first rows are written where there are none."""
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
    """The parts of the app that serves this request."""
    return cast(Parts, connection.app.state.parts)
