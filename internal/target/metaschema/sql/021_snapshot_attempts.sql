-- A connector that is interrupted begins its snapshot anew. All records of one attempt
-- have one lsn and txId; what earlier attempts have confirmed does not count.
ALTER TABLE metadb.resync
    -- the latest attempt that a record has come of; its time is the epoch before the first
    ADD attempt_lsn bigint NOT NULL DEFAULT 0,
    ADD attempt_tx bigint NOT NULL DEFAULT 0,
    ADD attempt_time timestamptz NOT NULL DEFAULT 'epoch',
    -- its records with the marks "first" and "last" have come
    ADD attempt_first boolean NOT NULL DEFAULT false,
    ADD attempt_last boolean NOT NULL DEFAULT false,
    -- two attempts bear its lsn and txId
    ADD attempt_doubled boolean NOT NULL DEFAULT false,
    -- a later attempt has sent records of other tables only
    ADD attempt_overtaken boolean NOT NULL DEFAULT false,
    -- the time of the attempt that it took the place of
    ADD given_up_time timestamptz,
    -- in an initial synchronization: the ids of confirmed rows are kept
    ADD keeps_confirmed boolean NOT NULL DEFAULT false,
    -- the synchronization began before attempts were told apart: the first attempt that
    -- is noticed is taken for the only one
    ADD adopts_attempt boolean NOT NULL DEFAULT false;
UPDATE metadb.resync SET adopts_attempt = true;
-- The same of initial synchronizations, which may have no row there yet.
CREATE TABLE metadb.initial_adopts_attempt (source_name varchar(63) PRIMARY KEY);
INSERT INTO metadb.initial_adopts_attempt SELECT name FROM metadb.source WHERE sync = 1;

-- Where confirmations begin to count: those in a sync table that were written by this
-- transaction or later ones. Rows are inserted and never updated: xmin is the transaction
-- too, unless the database was restored from a dump, where neither says anything any more.
CREATE TABLE metadb.confirmed_since (
    source_name varchar(63) NOT NULL,
    schema_name text NOT NULL DEFAULT '',
    table_name text NOT NULL DEFAULT '',
    since xid8 NOT NULL DEFAULT pg_current_xact_id()
);

-- The rows that were confirmed by streamed changes lately, and after which position at the
-- source these were committed: where it is only then noticed that a later attempt precedes
-- them, they go on to count.
CREATE TABLE metadb.confirmed_change (
    number bigint GENERATED ALWAYS AS IDENTITY,
    source_name varchar(63) NOT NULL,
    -- the sync table
    sync_table regclass NOT NULL,
    id bigint NOT NULL,
    lsn bigint NOT NULL,
    changed_at timestamptz NOT NULL
);

-- In an initial synchronization, the highest __id of each table when ids of confirmed rows
-- began to be kept: rows up to it are confirmed.
CREATE TABLE metadb.confirmed_floor (
    source_name varchar(63) NOT NULL,
    schema_name text NOT NULL,
    table_name text NOT NULL,
    id bigint NOT NULL,
    PRIMARY KEY (source_name, schema_name, table_name)
);
