-- Compressing the positions of rows took PostgreSQL more than a microsecond a change, and
-- halved what is removed again after some batches.
ALTER TABLE metadb.row_position
    ALTER COLUMN ids SET STORAGE EXTERNAL,
    ALTER COLUMN lsns SET STORAGE EXTERNAL,
    ALTER COLUMN times SET STORAGE EXTERNAL,
    ALTER COLUMN again SET STORAGE EXTERNAL;
