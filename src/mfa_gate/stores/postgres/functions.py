"""The functions that the PostgreSQL store keeps in its schema.

Each is one transaction and one round trip.

A released function is never edited. Another text gets another number in its name, so that workers of two releases
never run each other's (F-20). They run with the rights of their caller.

Locks are taken in one order: accounts by their key, the lines of the list, their counts by tenant and status, trails by
their tenant, the counter. So no two
of them wait for each other.
"""

from __future__ import annotations

_HEAD = (
    "LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off AS $body$\n"
    "#variable_conflict use_column\n"
)
"""A plan that was made while a table was empty would read all of it later: every row is found by an index."""

WRITE_LINES = (
    """
CREATE OR REPLACE FUNCTION {s}.write_lines_2(
  tenants text[], accounts text[], kinds text[], times bigint[], lines text[], digests text[], parts text[],
  wanted boolean[]
) RETURNS void """
    + _HEAD
    + """
DECLARE
  chain record; place integer; before text; written bigint;
BEGIN
  FOR chain IN
    SELECT t.tenant, array_agg(t.n::integer ORDER BY t.n) AS places
    FROM unnest(tenants, wanted) WITH ORDINALITY AS t(tenant, is_wanted, n) WHERE t.is_wanted
    GROUP BY t.tenant ORDER BY t.tenant COLLATE "C"
  LOOP
    LOOP
      SELECT h.digest, h.length INTO before, written FROM {s}.trail h WHERE h.tenant = chain.tenant FOR UPDATE;
      EXIT WHEN FOUND;
      INSERT INTO {s}.trail VALUES (chain.tenant, '', 0, '', 0) ON CONFLICT DO NOTHING;
    END LOOP;
    FOREACH place IN ARRAY chain.places LOOP
      before := encode(sha256(convert_to(before || digests[place], 'UTF8')), 'hex');
      INSERT INTO {s}.event (tenant, account, kind, at, line, digest, id, address, network, browser)
        VALUES (chain.tenant, accounts[place], kinds[place], times[place], lines[place], before,
          parts[place][1], parts[place][2], parts[place][3], parts[place][4]);
    END LOOP;
    UPDATE {s}.trail h SET digest = before, length = written + cardinality(chain.places)
      WHERE h.tenant = chain.tenant;
  END LOOP;
END $body$
"""
)
"""Append lines to the trails of their tenants.

``digests`` are the lines' own; the chain is computed here, under the lock
of the tenant's head. ``parts`` has four texts for each line, by which it is searched. Only the ``wanted`` lines are written."""

SWAP = (
    """
CREATE OR REPLACE FUNCTION {s}.swap_3(
  known text, channel text, waits boolean, tenants text[], ids text[], versions bigint[], befores text[], ops text[],
  checksums bigint[], bodies bytea[], names text[], statuses text[], factors text[], locks bigint[], proofs bigint[],
  searches text[], owners integer[], event_tenants text[], event_accounts text[], kinds text[], times bigint[],
  lines text[], digests text[], parts text[]
) RETURNS bigint[] """
    + _HEAD
    + """
DECLARE
  n integer; won boolean[] := '{}'; number bigint; wanted boolean[] := '{}'; patience text := current_setting('lock_timeout');
  before text; moved_tenants text[] := '{}'; moved_statuses text[] := '{}'; moved_by integer[] := '{}'; moved record;
  numbers bigint[] := array_fill(0::bigint, ARRAY[cardinality(ids)]);
BEGIN
  PERFORM 1 FROM {s}.about b WHERE b.store = known;
  IF NOT FOUND THEN RETURN NULL; END IF;
  FOR n IN 1 .. cardinality(ids) LOOP
    won[n] := false;
    IF NOT waits AND versions[n] > 0 THEN
      PERFORM 1 FROM {s}.account a WHERE a.tenant = tenants[n] AND a.id = ids[n] FOR NO KEY UPDATE SKIP LOCKED;
      IF NOT FOUND AND EXISTS (SELECT 1 FROM {s}.account a WHERE a.tenant = tenants[n] AND a.id = ids[n]) THEN
        numbers[n] := -1;
        CONTINUE;
      END IF;
    END IF;
    IF versions[n] = 0 AND waits THEN
      INSERT INTO {s}.account (tenant, id, version, op, checksum, body)
        VALUES (tenants[n], ids[n], 1, ops[n], checksums[n], bodies[n]) ON CONFLICT DO NOTHING;
    ELSIF versions[n] = 0 THEN
      -- A row that is inserted and not committed is seen by nobody, and no SKIP LOCKED passes it by.
      BEGIN
        PERFORM set_config('lock_timeout', '1ms', true);
        INSERT INTO {s}.account (tenant, id, version, op, checksum, body)
          VALUES (tenants[n], ids[n], 1, ops[n], checksums[n], bodies[n]) ON CONFLICT DO NOTHING;
        won[n] := FOUND;
        PERFORM set_config('lock_timeout', patience, true);
      EXCEPTION WHEN lock_not_available THEN
        numbers[n] := -1;
      END;
      CONTINUE;
    ELSE
      UPDATE {s}.account a SET version = versions[n] + 1, op = ops[n], checksum = checksums[n], body = bodies[n]
        WHERE a.tenant = tenants[n] AND a.id = ids[n] AND a.version = versions[n]
        AND (befores[n] = '' OR a.op = befores[n]);
    END IF;
    won[n] := FOUND;
  END LOOP;
  FOR n IN 1 .. cardinality(ids) LOOP
    CONTINUE WHEN NOT won[n];
    SELECT r.status INTO before FROM {s}.roster r WHERE r.tenant = tenants[n] AND r.id = ids[n];
    IF coalesce(before, '') <> statuses[n] THEN
      moved_tenants := moved_tenants || tenants[n] || tenants[n];
      moved_statuses := moved_statuses || coalesce(before, '') || statuses[n];
      moved_by := moved_by || -1 || 1;
    END IF;
    IF statuses[n] = '' THEN
      DELETE FROM {s}.roster r WHERE r.tenant = tenants[n] AND r.id = ids[n];
    ELSE
      INSERT INTO {s}.roster AS r (tenant, id, name, status, factors, locked_at, last_proof_at, search)
        VALUES (tenants[n], ids[n], names[n], statuses[n], factors[n], locks[n], proofs[n], searches[n])
        ON CONFLICT (tenant, id) DO UPDATE SET name = excluded.name, status = excluded.status,
          factors = excluded.factors, locked_at = excluded.locked_at, last_proof_at = excluded.last_proof_at,
          search = excluded.search
        WHERE (r.name, r.status, r.factors, r.locked_at, r.last_proof_at) IS DISTINCT FROM
          (excluded.name, excluded.status, excluded.factors, excluded.locked_at, excluded.last_proof_at);
    END IF;
  END LOOP;
  FOR moved IN
    SELECT m.tenant, m.status, sum(m.by) AS people FROM unnest(moved_tenants, moved_statuses, moved_by) AS m(tenant, status, by)
    WHERE m.status <> '' GROUP BY 1, 2
    ORDER BY m.tenant COLLATE "C", m.status COLLATE "C"
  LOOP
    INSERT INTO {s}.tally AS t VALUES (moved.tenant, moved.status, moved.people)
      ON CONFLICT (tenant, status) DO UPDATE SET people = t.people + excluded.people;
  END LOOP;
  IF cardinality(owners) > 0 THEN
    FOR n IN 1 .. cardinality(owners) LOOP wanted[n] := won[owners[n]]; END LOOP;
    PERFORM {s}.write_lines_2(event_tenants, event_accounts, kinds, times, lines, digests, parts, wanted);
  END IF;
  IF true = ANY (won) THEN
    UPDATE {s}.counter c SET changes = c.changes + cardinality(array_remove(won, false)) RETURNING c.changes INTO number;
    number := number - cardinality(array_remove(won, false));
    FOR n IN 1 .. cardinality(ids) LOOP
      CONTINUE WHEN NOT won[n];
      number := number + 1;
      numbers[n] := number;
      PERFORM pg_notify(channel, json_build_array(number, tenants[n], ids[n], ops[n])::text);
    END LOOP;
  END IF;
  RETURN numbers;
END $body$
"""
)
"""Swap several accounts, each with its line of the list, its events and its notice.

The caller gives them in the order of their keys. ``befores`` are the operations that made the versions ("": any). Returns the
number of each change, and null if this is not the store that is ``known``. The number is 0 for an account whose version is
another, and -1 for one whose row somebody else holds: only with ``waits`` it waits for such a row. ``owners`` say to which
swap an event belongs; a status "" is a person who was forgotten."""

SWAP_SETTINGS = (
    """
CREATE OR REPLACE FUNCTION {s}.swap_settings_2(
  known text, channel text, chosen text, expected bigint, before text, operation text, document text,
  event_tenants text[], event_accounts text[], kinds text[], times bigint[], lines text[], digests text[], parts text[]
) RETURNS bigint """
    + _HEAD
    + """
DECLARE
  number bigint;
BEGIN
  PERFORM 1 FROM {s}.about b WHERE b.store = known;
  IF NOT FOUND THEN RETURN NULL; END IF;
  IF expected = 0 THEN
    INSERT INTO {s}.tenant VALUES (chosen, 1, operation, document) ON CONFLICT DO NOTHING;
  ELSE
    UPDATE {s}.tenant t SET version = expected + 1, op = operation, body = document
      WHERE t.tenant = chosen AND t.version = expected AND (before = '' OR t.op = before);
  END IF;
  IF NOT FOUND THEN RETURN 0; END IF;
  PERFORM {s}.write_lines_2(event_tenants, event_accounts, kinds, times, lines, digests, parts,
    array_fill(true, ARRAY[cardinality(lines)]));
  UPDATE {s}.counter c SET changes = c.changes + 1 RETURNING c.changes INTO number;
  PERFORM pg_notify(channel, json_build_array(number, chosen, NULL, operation)::text);
  RETURN number;
END $body$
"""
)
"""Swap a tenant's settings as ``swap_3`` swaps an account."""

APPEND = (
    """
CREATE OR REPLACE FUNCTION {s}.append_2(
  known text, event_tenants text[], event_accounts text[], kinds text[], times bigint[], lines text[], digests text[], parts text[]
) RETURNS boolean """
    + _HEAD
    + """
BEGIN
  PERFORM 1 FROM {s}.about b WHERE b.store = known;
  IF NOT FOUND THEN RETURN NULL; END IF;
  PERFORM {s}.write_lines_2(event_tenants, event_accounts, kinds, times, lines, digests, parts,
    array_fill(true, ARRAY[cardinality(lines)]));
  RETURN true;
END $body$
"""
)

PRUNE = (
    """
CREATE OR REPLACE FUNCTION {s}.prune_1(chosen text, before bigint, now_at bigint, most integer) RETURNS bigint """
    + _HEAD
    + """
DECLARE
  young bigint; last bigint; latest text; count bigint;
BEGIN
  PERFORM 1 FROM {s}.trail h WHERE h.tenant = chosen FOR UPDATE;
  SELECT e.seq INTO young FROM {s}.event e WHERE e.tenant = chosen AND e.at BETWEEN greatest(before, 1) AND now_at
    ORDER BY e.seq LIMIT 1;
  SELECT e.seq INTO last FROM {s}.event e WHERE e.tenant = chosen AND (young IS NULL OR e.seq < young)
    AND e.at > 0 AND e.at < before AND e.at <= now_at ORDER BY e.seq DESC LIMIT 1;
  SELECT max(o.seq), count(*) INTO last, count
    FROM (SELECT e.seq FROM {s}.event e WHERE e.tenant = chosen AND e.seq <= last ORDER BY e.seq LIMIT most) o;
  IF count = 0 THEN RETURN 0; END IF;
  SELECT e.digest INTO latest FROM {s}.event e WHERE e.tenant = chosen AND e.seq = last;
  DELETE FROM {s}.event e WHERE e.tenant = chosen AND e.seq <= last;
  UPDATE {s}.trail h SET anchor = latest, pruned = h.pruned + count WHERE h.tenant = chosen;
  RETURN count;
END $body$
"""
)
"""Remove a tenant's oldest lines that are old enough, as ``documents.count_old`` counts them, and move the anchor."""

TAKE = (
    """
CREATE OR REPLACE FUNCTION {s}.take_1(
  buckets text[], limits bigint[], windows bigint[], ats bigint[], wants bigint[], kept_for bigint
) RETURNS bigint[] """
    + _HEAD
    + """
DECLARE
  one text; n integer; taken_at bigint[]; taken_count bigint[]; over bigint; total bigint; totals bigint[] := '{-1,0}';
  row_at bigint; row_count bigint;
BEGIN
  DELETE FROM {s}.taken t WHERE t.bucket IN (
    SELECT o.bucket FROM {s}.taken o WHERE o.ends_at <= (SELECT min(a) FROM unnest(ats) a) - kept_for
    LIMIT 8 FOR UPDATE SKIP LOCKED);
  FOR one IN SELECT DISTINCT b COLLATE "C" FROM unnest(buckets) b ORDER BY 1 LOOP
    LOOP
      PERFORM 1 FROM {s}.taken t WHERE t.bucket = one FOR UPDATE;
      EXIT WHEN FOUND;
      INSERT INTO {s}.taken VALUES (one, '{}', '{}', 0) ON CONFLICT DO NOTHING;
    END LOOP;
  END LOOP;
  FOR n IN 1 .. cardinality(buckets) LOOP
    SELECT t.times, t.counts INTO taken_at, taken_count FROM {s}.taken t WHERE t.bucket = buckets[n];
    SELECT coalesce(sum(c), 0) INTO total FROM unnest(taken_at, taken_count) AS r(a, c) WHERE a > ats[n] - windows[n];
    over := total - limits[n] + wants[n];
    IF limits[n] <= 0 OR limits[n] < wants[n] THEN RETURN ARRAY[n - 1, windows[n]]; END IF;
    IF over > 0 THEN
      FOR row_at, row_count IN
        SELECT a, c FROM unnest(taken_at, taken_count) AS r(a, c) WHERE a > ats[n] - windows[n] ORDER BY a
      LOOP
        over := over - row_count;
        IF over <= 0 THEN RETURN ARRAY[n - 1, greatest(1, row_at + windows[n] - ats[n])]; END IF;
      END LOOP;
      RETURN ARRAY[n - 1, windows[n]];
    END IF;
    totals := totals || (total + wants[n]);
  END LOOP;
  FOR n IN 1 .. cardinality(buckets) LOOP
    UPDATE {s}.taken t SET (times, counts) = (
        SELECT array_agg(k.a ORDER BY k.a), array_agg(k.c ORDER BY k.a) FROM (
          SELECT r.a, sum(r.c)::bigint AS c FROM (
            SELECT * FROM unnest(t.times, t.counts) AS o(a, c) WHERE o.a > ats[n] - windows[n] - kept_for
            UNION ALL SELECT ats[n], wants[n]) r
          GROUP BY r.a) k),
      ends_at = greatest(t.ends_at, ats[n] + windows[n])
      WHERE t.bucket = buckets[n];
  END LOOP;
  RETURN totals;
END $body$
"""
)
"""Take from all buckets or from none, as ``documents.wait_for_room`` decides.

Returns the place of the bucket without room
(-1: none) and the seconds until it has room; then the totals, where all had room."""

CLAIM = (
    """
CREATE OR REPLACE FUNCTION {s}.claim_1(wanted text, for_tenant text, for_id text) RETURNS boolean """
    + _HEAD
    + """
BEGIN
  INSERT INTO {s}.claim VALUES (wanted, for_tenant, for_id) ON CONFLICT DO NOTHING;
  RETURN EXISTS (SELECT 1 FROM {s}.claim c WHERE c.name = wanted AND c.tenant = for_tenant AND c.id = for_id);
END $body$
"""
)

FUNCTIONS = (WRITE_LINES, SWAP, SWAP_SETTINGS, APPEND, PRUNE, TAKE, CLAIM)
