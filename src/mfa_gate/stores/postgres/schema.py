"""The tables of the PostgreSQL store, and the steps from each older version of them."""

from __future__ import annotations

from .functions import FUNCTIONS

_TABLES = (
    # Accounts and their lines change often, and seldom in a column that has an index: with room in its page a new version
    # of a row needs no entry in any index (a line has some thirty in the index of names).
    # One row each. They are two, so that the row that never changes is not written with the one that always does.
    "CREATE TABLE {s}.about (one boolean PRIMARY KEY DEFAULT true CHECK (one), store text NOT NULL,"
    " version integer NOT NULL, restored_at bigint NOT NULL DEFAULT 0)",
    "CREATE TABLE {s}.counter (one boolean PRIMARY KEY DEFAULT true CHECK (one), changes bigint NOT NULL DEFAULT 0)"
    " WITH (fillfactor = 10)",
    'CREATE TABLE {s}.account (tenant text COLLATE "C" NOT NULL, id text COLLATE "C" NOT NULL, version bigint NOT NULL,'
    " op text NOT NULL, checksum bigint NOT NULL, body bytea NOT NULL, PRIMARY KEY (tenant, id)) WITH (fillfactor = 75)",
    'CREATE TABLE {s}.roster (tenant text COLLATE "C" NOT NULL, id text COLLATE "C" NOT NULL, name text NOT NULL,'
    " status text NOT NULL, factors text NOT NULL, locked_at bigint NOT NULL, last_proof_at bigint NOT NULL,"
    ' search text COLLATE "C" NOT NULL, PRIMARY KEY (tenant, id)) WITH (fillfactor = 75)',
    "CREATE INDEX roster_status ON {s}.roster (tenant, status, id)",
    'CREATE TABLE {s}.tenant (tenant text COLLATE "C" PRIMARY KEY, version bigint NOT NULL, op text NOT NULL,'
    " body text NOT NULL)",
    'CREATE TABLE {s}.event (seq bigint GENERATED ALWAYS AS IDENTITY, tenant text COLLATE "C" NOT NULL,'
    ' account text COLLATE "C" NOT NULL, kind text COLLATE "C" NOT NULL, at bigint NOT NULL, line text NOT NULL,'
    " digest text NOT NULL, PRIMARY KEY (seq))",
    "CREATE INDEX event_tenant ON {s}.event (tenant, seq)",
    "CREATE INDEX event_account ON {s}.event (account, tenant, seq) WHERE account <> ''",
    "CREATE INDEX event_kind ON {s}.event (tenant, kind, seq)",
    'CREATE TABLE {s}.trail (tenant text COLLATE "C" PRIMARY KEY, digest text NOT NULL, length bigint NOT NULL,'
    " anchor text NOT NULL, pruned bigint NOT NULL)",
    'CREATE TABLE {s}.claim (name text COLLATE "C" PRIMARY KEY, tenant text NOT NULL, id text NOT NULL)',
    'CREATE TABLE {s}.taken (bucket text COLLATE "C" PRIMARY KEY, times bigint[] NOT NULL, counts bigint[] NOT NULL,'
    " ends_at bigint NOT NULL)",
    "CREATE INDEX taken_end ON {s}.taken (ends_at)",
    'CREATE TABLE {s}.meta (name text COLLATE "C" PRIMARY KEY, value bytea NOT NULL)',
    'CREATE TABLE {s}.mark (name text COLLATE "C" NOT NULL, id text COLLATE "C" NOT NULL, PRIMARY KEY (name, id))',
    "INSERT INTO {s}.counter DEFAULT VALUES",
)

_REPORT = (
    'CREATE TABLE {s}.report (seq bigint GENERATED ALWAYS AS IDENTITY, tenant text COLLATE "C" NOT NULL,'
    " hour bigint NOT NULL, body bytea NOT NULL, PRIMARY KEY (seq))",
    "CREATE INDEX report_hour ON {s}.report (tenant, hour, seq)",
)

_ENDS = (
    "ALTER TABLE {s}.meta ADD COLUMN until bigint NOT NULL DEFAULT 0",
    "CREATE INDEX meta_until ON {s}.meta (until) WHERE until > 0",
)

_TALLY = (
    # The people of a tenant by status, as each swap changes their number: who counts lines waits longer the more there are.
    'CREATE TABLE {s}.tally (tenant text COLLATE "C" NOT NULL, status text COLLATE "C" NOT NULL, people bigint NOT NULL,'
    " PRIMARY KEY (tenant, status)) WITH (fillfactor = 10)",
    "LOCK TABLE {s}.roster IN SHARE MODE",
    "INSERT INTO {s}.tally SELECT tenant, status, count(*) FROM {s}.roster GROUP BY 1, 2",
)

SEARCHED = ("id", "address", "network", "browser")
"""The columns of a line by which it is searched; "" where the line has no such part."""

WIDEN = (
    *(
        f"ALTER TABLE {{s}}.event ADD COLUMN IF NOT EXISTS {name} text COLLATE \"C\" NOT NULL DEFAULT ''"
        for name in SEARCHED
    ),
    "CREATE OR REPLACE FUNCTION {s}.fill_line_1() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp"
    " AS $body$ DECLARE said json; BEGIN said := NEW.line::json;"
    + "".join(f" NEW.{name} := coalesce(said ->> '{name}', '');" for name in SEARCHED)
    + " IF NEW.network = NEW.address THEN NEW.network := ''; END IF; RETURN NEW;"
    " EXCEPTION WHEN others THEN" + "".join(f" NEW.{name} := '';" for name in SEARCHED) + " RETURN NEW; END $body$",
    "CREATE OR REPLACE TRIGGER fill_line BEFORE INSERT OR UPDATE OF line ON {s}.event"
    " FOR EACH ROW EXECUTE FUNCTION {s}.fill_line_1()",
)
"""The columns that are searched, and a trigger that fills them while workers of an older release write lines.

It can be done again, and an older release goes on with it."""

FILL = "UPDATE {s}.event SET line = line WHERE id = ''"
"""Let the trigger fill the columns of lines from before it was there."""

LINE_INDEXES = {
    f"event_{name}": f"CREATE INDEX {{how}} event_{name} ON {{s}}.event (tenant, {name}, seq) WHERE {name} <> ''"
    for name in SEARCHED
}
"""``{how}`` is "IF NOT EXISTS", or "CONCURRENTLY" beside workers that write."""

_FOUND = (
    *WIDEN,
    *(statement.replace("{how}", "IF NOT EXISTS") for statement in LINE_INDEXES.values()),
    "DROP TRIGGER fill_line ON {s}.event",
    "DROP FUNCTION {s}.fill_line_1",
    # A write of an older release that was under way fails from here on; its line would have none of the columns.
    "ALTER TABLE {s}.event ALTER COLUMN id DROP DEFAULT",
    "DROP FUNCTION IF EXISTS {s}.swap_2, {s}.swap_settings_1, {s}.append_1, {s}.write_lines_1",
)

STEPS: dict[int, tuple[str, ...]] = {
    0: _TABLES,
    1: _REPORT,
    2: (*_TALLY, "DROP FUNCTION IF EXISTS {s}.swap_1"),
    3: _ENDS,
    # All functions, so that a store of any age has the same ones. The lines of an older store are filled before.
    4: (*_FOUND, *FUNCTIONS),
}
"""From version N to N + 1; ``{s}`` is the schema's quoted name.

A released step is never edited: a change of the tables
is a further step, and a change of a function is a function of another name (F-20)."""

SCHEMA = len(STEPS)
FILLED_SINCE = 5
"""The version from which on all lines have the columns that are searched."""

TABLES = (
    "about",
    "counter",
    "account",
    "roster",
    "tally",
    "tenant",
    "event",
    "trail",
    "claim",
    "taken",
    "meta",
    "mark",
    "report",
)
"""Every table, for grants and for finding the remains of a store."""

TRIGRAMS = (
    "CREATE INDEX {how} roster_search ON {s}.roster USING gin (search {trgm}.gin_trgm_ops) WITH (fastupdate = off)"
)
"""The index of a search by a part of a name; ``{trgm}`` is the schema of the extension ``pg_trgm``.

Without ``fastupdate`` a search never reads a list of pending entries."""
