-- When a notification said first, after the resynchronization began, that a snapshot of
-- either kind, or the table's turn in it, begins: what says that it is complete counts
-- only from then on. That a record has come is not needed for that any more.
ALTER TABLE metadb.resync
    DROP seen,
    ADD initial_begun timestamptz NOT NULL DEFAULT 'epoch',
    ADD incremental_begun timestamptz NOT NULL DEFAULT 'epoch';
