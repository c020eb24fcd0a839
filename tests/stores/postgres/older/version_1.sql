CREATE SCHEMA mfa_gate;
CREATE FUNCTION mfa_gate.append_1(known text, event_tenants text[], event_accounts text[], kinds text[], times bigint[], lines text[], digests text[]) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_column
BEGIN
  PERFORM 1 FROM "mfa_gate".about b WHERE b.store = known;
  IF NOT FOUND THEN RETURN NULL; END IF;
  PERFORM "mfa_gate".write_lines_1(event_tenants, event_accounts, kinds, times, lines, digests,
    array_fill(true, ARRAY[cardinality(lines)]));
  RETURN true;
END $$;
CREATE FUNCTION mfa_gate.claim_1(wanted text, for_tenant text, for_id text) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_column
BEGIN
  INSERT INTO "mfa_gate".claim VALUES (wanted, for_tenant, for_id) ON CONFLICT DO NOTHING;
  RETURN EXISTS (SELECT 1 FROM "mfa_gate".claim c WHERE c.name = wanted AND c.tenant = for_tenant AND c.id = for_id);
END $$;
CREATE FUNCTION mfa_gate.prune_1(chosen text, before bigint, now_at bigint, most integer) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_column
DECLARE
  young bigint; last bigint; latest text; count bigint;
BEGIN
  PERFORM 1 FROM "mfa_gate".trail h WHERE h.tenant = chosen FOR UPDATE;
  SELECT e.seq INTO young FROM "mfa_gate".event e WHERE e.tenant = chosen AND e.at BETWEEN greatest(before, 1) AND now_at
    ORDER BY e.seq LIMIT 1;
  SELECT e.seq INTO last FROM "mfa_gate".event e WHERE e.tenant = chosen AND (young IS NULL OR e.seq < young)
    AND e.at > 0 AND e.at < before AND e.at <= now_at ORDER BY e.seq DESC LIMIT 1;
  SELECT max(o.seq), count(*) INTO last, count
    FROM (SELECT e.seq FROM "mfa_gate".event e WHERE e.tenant = chosen AND e.seq <= last ORDER BY e.seq LIMIT most) o;
  IF count = 0 THEN RETURN 0; END IF;
  SELECT e.digest INTO latest FROM "mfa_gate".event e WHERE e.tenant = chosen AND e.seq = last;
  DELETE FROM "mfa_gate".event e WHERE e.tenant = chosen AND e.seq <= last;
  UPDATE "mfa_gate".trail h SET anchor = latest, pruned = h.pruned + count WHERE h.tenant = chosen;
  RETURN count;
END $$;
CREATE FUNCTION mfa_gate.swap_1(known text, channel text, tenants text[], ids text[], versions bigint[], befores text[], ops text[], checksums bigint[], bodies bytea[], names text[], statuses text[], factors text[], locks bigint[], proofs bigint[], searches text[], owners integer[], event_tenants text[], event_accounts text[], kinds text[], times bigint[], lines text[], digests text[]) RETURNS bigint[]
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_column
DECLARE
  n integer; won boolean[] := '{}'; number bigint; numbers bigint[] := '{}'; wanted boolean[] := '{}';
BEGIN
  PERFORM 1 FROM "mfa_gate".about b WHERE b.store = known;
  IF NOT FOUND THEN RETURN NULL; END IF;
  FOR n IN 1 .. cardinality(ids) LOOP
    IF versions[n] = 0 THEN
      INSERT INTO "mfa_gate".account (tenant, id, version, op, checksum, body)
        VALUES (tenants[n], ids[n], 1, ops[n], checksums[n], bodies[n]) ON CONFLICT DO NOTHING;
    ELSE
      UPDATE "mfa_gate".account a SET version = versions[n] + 1, op = ops[n], checksum = checksums[n], body = bodies[n]
        WHERE a.tenant = tenants[n] AND a.id = ids[n] AND a.version = versions[n]
        AND (befores[n] = '' OR a.op = befores[n]);
    END IF;
    won[n] := FOUND;
  END LOOP;
  FOR n IN 1 .. cardinality(ids) LOOP
    CONTINUE WHEN NOT won[n];
    IF statuses[n] = '' THEN
      DELETE FROM "mfa_gate".roster r WHERE r.tenant = tenants[n] AND r.id = ids[n];
    ELSE
      INSERT INTO "mfa_gate".roster AS r (tenant, id, name, status, factors, locked_at, last_proof_at, search)
        VALUES (tenants[n], ids[n], names[n], statuses[n], factors[n], locks[n], proofs[n], searches[n])
        ON CONFLICT (tenant, id) DO UPDATE SET name = excluded.name, status = excluded.status,
          factors = excluded.factors, locked_at = excluded.locked_at, last_proof_at = excluded.last_proof_at,
          search = excluded.search
        WHERE (r.name, r.status, r.factors, r.locked_at, r.last_proof_at) IS DISTINCT FROM
          (excluded.name, excluded.status, excluded.factors, excluded.locked_at, excluded.last_proof_at);
    END IF;
  END LOOP;
  IF cardinality(owners) > 0 THEN
    FOR n IN 1 .. cardinality(owners) LOOP wanted[n] := won[owners[n]]; END LOOP;
    PERFORM "mfa_gate".write_lines_1(event_tenants, event_accounts, kinds, times, lines, digests, wanted);
  END IF;
  IF true = ANY (won) THEN
    UPDATE "mfa_gate".counter c SET changes = c.changes + cardinality(array_remove(won, false)) RETURNING c.changes INTO number;
    number := number - cardinality(array_remove(won, false));
    FOR n IN 1 .. cardinality(ids) LOOP
      numbers[n] := 0;
      CONTINUE WHEN NOT won[n];
      number := number + 1;
      numbers[n] := number;
      PERFORM pg_notify(channel, json_build_array(number, tenants[n], ids[n], ops[n])::text);
    END LOOP;
    RETURN numbers;
  END IF;
  RETURN array_fill(0::bigint, ARRAY[cardinality(ids)]);
END $$;
CREATE FUNCTION mfa_gate.swap_settings_1(known text, channel text, chosen text, expected bigint, before text, operation text, document text, event_tenants text[], event_accounts text[], kinds text[], times bigint[], lines text[], digests text[]) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_column
DECLARE
  number bigint;
BEGIN
  PERFORM 1 FROM "mfa_gate".about b WHERE b.store = known;
  IF NOT FOUND THEN RETURN NULL; END IF;
  IF expected = 0 THEN
    INSERT INTO "mfa_gate".tenant VALUES (chosen, 1, operation, document) ON CONFLICT DO NOTHING;
  ELSE
    UPDATE "mfa_gate".tenant t SET version = expected + 1, op = operation, body = document
      WHERE t.tenant = chosen AND t.version = expected AND (before = '' OR t.op = before);
  END IF;
  IF NOT FOUND THEN RETURN 0; END IF;
  PERFORM "mfa_gate".write_lines_1(event_tenants, event_accounts, kinds, times, lines, digests,
    array_fill(true, ARRAY[cardinality(lines)]));
  UPDATE "mfa_gate".counter c SET changes = c.changes + 1 RETURNING c.changes INTO number;
  PERFORM pg_notify(channel, json_build_array(number, chosen, NULL, operation)::text);
  RETURN number;
END $$;
CREATE FUNCTION mfa_gate.take_1(buckets text[], limits bigint[], windows bigint[], ats bigint[], wants bigint[], kept_for bigint) RETURNS bigint[]
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_column
DECLARE
  one text; n integer; taken_at bigint[]; taken_count bigint[]; over bigint; total bigint; totals bigint[] := '{-1,0}';
  row_at bigint; row_count bigint;
BEGIN
  DELETE FROM "mfa_gate".taken t WHERE t.bucket IN (
    SELECT o.bucket FROM "mfa_gate".taken o WHERE o.ends_at <= (SELECT min(a) FROM unnest(ats) a) - kept_for
    LIMIT 8 FOR UPDATE SKIP LOCKED);
  FOR one IN SELECT DISTINCT b COLLATE "C" FROM unnest(buckets) b ORDER BY 1 LOOP
    LOOP
      PERFORM 1 FROM "mfa_gate".taken t WHERE t.bucket = one FOR UPDATE;
      EXIT WHEN FOUND;
      INSERT INTO "mfa_gate".taken VALUES (one, '{}', '{}', 0) ON CONFLICT DO NOTHING;
    END LOOP;
  END LOOP;
  FOR n IN 1 .. cardinality(buckets) LOOP
    SELECT t.times, t.counts INTO taken_at, taken_count FROM "mfa_gate".taken t WHERE t.bucket = buckets[n];
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
    UPDATE "mfa_gate".taken t SET (times, counts) = (
        SELECT array_agg(k.a ORDER BY k.a), array_agg(k.c ORDER BY k.a) FROM (
          SELECT r.a, sum(r.c)::bigint AS c FROM (
            SELECT * FROM unnest(t.times, t.counts) AS o(a, c) WHERE o.a > ats[n] - windows[n] - kept_for
            UNION ALL SELECT ats[n], wants[n]) r
          GROUP BY r.a) k),
      ends_at = greatest(t.ends_at, ats[n] + windows[n])
      WHERE t.bucket = buckets[n];
  END LOOP;
  RETURN totals;
END $$;
CREATE FUNCTION mfa_gate.write_lines_1(tenants text[], accounts text[], kinds text[], times bigint[], lines text[], digests text[], wanted boolean[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_column
DECLARE
  chain record; place integer; before text; written bigint;
BEGIN
  FOR chain IN
    SELECT t.tenant, array_agg(t.n::integer ORDER BY t.n) AS places
    FROM unnest(tenants, wanted) WITH ORDINALITY AS t(tenant, is_wanted, n) WHERE t.is_wanted
    GROUP BY t.tenant ORDER BY t.tenant COLLATE "C"
  LOOP
    LOOP
      SELECT h.digest, h.length INTO before, written FROM "mfa_gate".trail h WHERE h.tenant = chain.tenant FOR UPDATE;
      EXIT WHEN FOUND;
      INSERT INTO "mfa_gate".trail VALUES (chain.tenant, '', 0, '', 0) ON CONFLICT DO NOTHING;
    END LOOP;
    FOREACH place IN ARRAY chain.places LOOP
      before := encode(sha256(convert_to(before || digests[place], 'UTF8')), 'hex');
      INSERT INTO "mfa_gate".event (tenant, account, kind, at, line, digest)
        VALUES (chain.tenant, accounts[place], kinds[place], times[place], lines[place], before);
    END LOOP;
    UPDATE "mfa_gate".trail h SET digest = before, length = written + cardinality(chain.places)
      WHERE h.tenant = chain.tenant;
  END LOOP;
END $$;
CREATE TABLE mfa_gate.about (
    one boolean DEFAULT true NOT NULL,
    store text NOT NULL,
    version integer NOT NULL,
    restored_at bigint DEFAULT 0 NOT NULL,
    CONSTRAINT about_one_check CHECK (one)
);
CREATE TABLE mfa_gate.account (
    tenant text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    op text NOT NULL,
    checksum bigint NOT NULL,
    body bytea NOT NULL
);
CREATE TABLE mfa_gate.claim (
    name text NOT NULL COLLATE pg_catalog."C",
    tenant text NOT NULL,
    id text NOT NULL
);
CREATE TABLE mfa_gate.counter (
    one boolean DEFAULT true NOT NULL,
    changes bigint DEFAULT 0 NOT NULL,
    CONSTRAINT counter_one_check CHECK (one)
)
WITH (fillfactor='10');
CREATE TABLE mfa_gate.event (
    seq bigint NOT NULL,
    tenant text NOT NULL COLLATE pg_catalog."C",
    account text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL COLLATE pg_catalog."C",
    at bigint NOT NULL,
    line text NOT NULL,
    digest text NOT NULL
);
ALTER TABLE mfa_gate.event ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME mfa_gate.event_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE mfa_gate.mark (
    name text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE mfa_gate.meta (
    name text NOT NULL COLLATE pg_catalog."C",
    value bytea NOT NULL
);
CREATE TABLE mfa_gate.roster (
    tenant text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    status text NOT NULL,
    factors text NOT NULL,
    locked_at bigint NOT NULL,
    last_proof_at bigint NOT NULL,
    search text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE mfa_gate.taken (
    bucket text NOT NULL COLLATE pg_catalog."C",
    times bigint[] NOT NULL,
    counts bigint[] NOT NULL,
    ends_at bigint NOT NULL
);
CREATE TABLE mfa_gate.tenant (
    tenant text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    op text NOT NULL,
    body text NOT NULL
);
CREATE TABLE mfa_gate.trail (
    tenant text NOT NULL COLLATE pg_catalog."C",
    digest text NOT NULL,
    length bigint NOT NULL,
    anchor text NOT NULL,
    pruned bigint NOT NULL
);
INSERT INTO mfa_gate.about VALUES (true, '3a3c63023b0c2a59494a219b29ffe85d', 1, 0);
INSERT INTO mfa_gate.account VALUES ('clinic', 'alice', 2, 'e4931cea8eb0', 3525185690, '\x7b2266223a312c2261223a7b2261223a7b2275223a332c2273223a322c2263223a313730303030303030302c2264223a5b5b31393637352c335d5d7d2c226175223a5b7b2269223a226131222c2266223a22746f7470222c226c223a2250686f6e65222c2263223a312c2264223a7b227365616c65645f736563726574223a2278222c2273746570223a327d7d5d2c2262223a5b7b2269223a226231222c2268223a2268222c226c223a2246697265666f78222c2263223a312c2270223a5b7b2266223a22746f7470222c2261223a226131222c226174223a313730303030303030302c226e223a223139322e302e322e312f3332222c2265223a307d5d7d5d2c22736b223a5b5b22323032342d30312d3031222c355d5d2c226e223a22416461204c6f76656c616365227d7d');
INSERT INTO mfa_gate.claim VALUES ('name', 'clinic', 'alice');
INSERT INTO mfa_gate.counter VALUES (true, 3);
INSERT INTO mfa_gate.event OVERRIDING SYSTEM VALUE VALUES (1, 'clinic', 'alice', 'attempt.failed', 1700000001, '{"account":"alice","at":1700000001,"detail":{"n":1},"id":"e1","kind":"attempt.failed","tenant":"clinic"}', 'e17c865d7c07ca15e4016f3e2e914b69c42e09cb42b93b72041d12db298bfe79');
INSERT INTO mfa_gate.event OVERRIDING SYSTEM VALUE VALUES (2, 'clinic', 'alice', 'attempt.failed', 1700000002, '{"account":"alice","at":1700000002,"detail":{"n":2},"id":"e2","kind":"attempt.failed","tenant":"clinic"}', 'db6ea72a8ab1ae7e6a4b10419fb84eb52176757b6b8752a1f4db48dd2bdabfb7');
INSERT INTO mfa_gate.mark VALUES ('told', 'e1');
INSERT INTO mfa_gate.meta VALUES ('canary', '\x73696e6773');
INSERT INTO mfa_gate.roster VALUES ('clinic', 'alice', 'Ada Lovelace', 'verified', 'totp', 0, 1700000000, 'alice
ada lovelace');
INSERT INTO mfa_gate.taken VALUES ('bucket', '{1000}', '{1}', 1060);
INSERT INTO mfa_gate.tenant VALUES ('clinic', 1, '1ba8b3663971', '{"announced_at":0,"enabled_at":5,"factors":[],"tested_at":0}');
INSERT INTO mfa_gate.trail VALUES ('clinic', 'db6ea72a8ab1ae7e6a4b10419fb84eb52176757b6b8752a1f4db48dd2bdabfb7', 2, '', 0);
SELECT pg_catalog.setval('mfa_gate.event_seq_seq', 2, true);
ALTER TABLE ONLY mfa_gate.about
    ADD CONSTRAINT about_pkey PRIMARY KEY (one);
ALTER TABLE ONLY mfa_gate.account
    ADD CONSTRAINT account_pkey PRIMARY KEY (tenant, id);
ALTER TABLE ONLY mfa_gate.claim
    ADD CONSTRAINT claim_pkey PRIMARY KEY (name);
ALTER TABLE ONLY mfa_gate.counter
    ADD CONSTRAINT counter_pkey PRIMARY KEY (one);
ALTER TABLE ONLY mfa_gate.event
    ADD CONSTRAINT event_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY mfa_gate.mark
    ADD CONSTRAINT mark_pkey PRIMARY KEY (name, id);
ALTER TABLE ONLY mfa_gate.meta
    ADD CONSTRAINT meta_pkey PRIMARY KEY (name);
ALTER TABLE ONLY mfa_gate.roster
    ADD CONSTRAINT roster_pkey PRIMARY KEY (tenant, id);
ALTER TABLE ONLY mfa_gate.taken
    ADD CONSTRAINT taken_pkey PRIMARY KEY (bucket);
ALTER TABLE ONLY mfa_gate.tenant
    ADD CONSTRAINT tenant_pkey PRIMARY KEY (tenant);
ALTER TABLE ONLY mfa_gate.trail
    ADD CONSTRAINT trail_pkey PRIMARY KEY (tenant);
CREATE INDEX event_account ON mfa_gate.event USING btree (account, tenant, seq) WHERE (account <> ''::text);
CREATE INDEX event_kind ON mfa_gate.event USING btree (tenant, kind, seq);
CREATE INDEX event_tenant ON mfa_gate.event USING btree (tenant, seq);
CREATE INDEX roster_status ON mfa_gate.roster USING btree (tenant, status, id);
CREATE INDEX taken_end ON mfa_gate.taken USING btree (ends_at);
