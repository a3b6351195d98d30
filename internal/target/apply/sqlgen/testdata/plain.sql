-- Stage.CreateSQL
CREATE TEMPORARY TABLE IF NOT EXISTS "metadb_stage_1" (ord int, head boolean, follows boolean, upsert boolean, probe boolean, suspect boolean, at timestamptz, origin text, missing int[], via int, c0 integer, c1 text, c2 jsonb) ON COMMIT DELETE ROWS; DELETE FROM "pg_temp"."metadb_stage_1";

-- Stage.CopySQL
COPY "pg_temp"."metadb_stage_1" (ord, head, follows, upsert, probe, suspect, at, origin, missing, via, c0, c2);

-- Stage.CopySQL, permanent
COPY metadb.stage (ord, head, follows, upsert, probe, suspect, at, origin, missing, via, number, cells);

-- Stage.InsertSQL
INSERT INTO "pg_temp"."metadb_stage_1" (ord, head, follows, upsert, probe, suspect, at, origin, missing, via, c0)
SELECT ord, head, follows, upsert, probe, suspect, at, origin, missing, via, c0::bigint
FROM (SELECT ord, head, follows, upsert, probe, suspect, at, origin, missing, via, cells[1]::text AS c0, cells[2]::text AS c1, cells[3]::text AS c2
    FROM metadb.stage
    WHERE number = 2) AS s;

-- Stage.InsertSQL, permanent
INSERT INTO metadb.stage (number, ord, head, follows, upsert, probe, suspect, at, origin, missing, via, cells)
SELECT 2, ord, head, follows, upsert, probe, suspect, at, origin, missing, via, ARRAY[(c0::bigint)::text, NULL, NULL]::text[]
FROM "pg_temp"."metadb_stage_1" AS s;

-- Stage.EmptySQL, permanent
DELETE FROM metadb.stage
WHERE number = 2;

-- KeyMatch.CurrentRows
SELECT s.ord, c.__id, c.__start, c.ctid, s.upsert AND (s.c0 IS NOT DISTINCT FROM c."id" AND s.c1 IS NOT DISTINCT FROM c."title" AND record_image_eq(ROW(s.c2), ROW(c."data"))), s.c2 IS NULL AND coalesce(pg_column_size(c."data") > 32 AND length(c."data"::text) >= 500, false)
FROM "pg_temp"."metadb_stage_1" s
JOIN "library"."book" c ON c."__origin" = s.origin
  AND c."id" = s.c0
WHERE s.head;

-- KeyMatch.LastEnds
SELECT s.ord, max(c.__end)
FROM "pg_temp"."metadb_stage_1" s
JOIN "library"."book__h" c ON c."__origin" = s.origin
  AND c."id" = s.c0
WHERE ($1::boolean[])[s.ord + 1]
GROUP BY s.ord;

-- KeyMatch.LastEndedAt
SELECT s.ord
FROM "pg_temp"."metadb_stage_1" s
WHERE ($1::boolean[])[s.ord + 1]
  AND (SELECT max(c.__end)
    FROM "library"."book__" c
    WHERE c."__origin" = s.origin
      AND c."id" = s.c0) = $2;

-- KeyMatch.Repeated
SELECT s.ord
FROM "pg_temp"."metadb_stage_1" s
WHERE ($1::boolean[])[s.ord + 1]
  AND CASE WHEN s.upsert THEN EXISTS (SELECT FROM "library"."book__" c
    WHERE c."__origin" = s.origin
      AND c."id" = s.c0
      AND (c.__start > s.at
          OR s.at <= c.__end
          AND (s.c0 IS NOT DISTINCT FROM c."id"
              AND s.c1 IS NOT DISTINCT FROM c."title"
              AND record_image_eq(ROW(CASE WHEN 2 = ANY (s.missing) THEN c."data" ELSE s.c2 END), ROW(c."data"))))) ELSE s.c0 IS NOT NULL
  AND (EXISTS (SELECT FROM "library"."book__" c
        WHERE c."__origin" = s.origin
          AND c."id" = s.c0
          AND (c.__start > s.at OR c.__end = s.at AND NOT c.__current))
      OR NOT EXISTS (SELECT FROM "library"."book__" c
        WHERE c."__origin" = s.origin
          AND c."id" = s.c0
          AND c.__start <= s.at
          AND s.at < c.__end)) END;

-- KeyMatch.Repeated, by position
SELECT s.ord
FROM "pg_temp"."metadb_stage_1" s
WHERE ($1::boolean[])[s.ord + 1]
  AND CASE WHEN s.upsert THEN EXISTS (SELECT FROM "library"."book__" c
    WHERE c."__origin" = s.origin
      AND c."id" = s.c0
      AND (c.__start > s.at
          OR s.at <= c.__end
          AND (s.c0 IS NOT DISTINCT FROM c."id"
              AND s.c1 IS NOT DISTINCT FROM c."title"
              AND record_image_eq(ROW(s.c2), ROW(c."data")))
          AND (c.__end > s.at
              OR NOT ($5::boolean[])[s.ord + 1]
              OR c.__start >= s.at
              AND NOT EXISTS (SELECT FROM unnest($2::bigint[], $3::bigint[]) AS p (id, lsn)
                WHERE p.id = c.__id
                  AND p.lsn < ($4::bigint[])[s.ord + 1])))) ELSE s.c0 IS NOT NULL
  AND (EXISTS (SELECT FROM "library"."book__" c
        WHERE c."__origin" = s.origin
          AND c."id" = s.c0
          AND (c.__start > s.at OR c.__end = s.at AND NOT c.__current))
      OR NOT EXISTS (SELECT FROM "library"."book__" c
        WHERE c."__origin" = s.origin
          AND c."id" = s.c0
          AND c.__start <= s.at
          AND s.at < c.__end)) END
  AND NOT EXISTS (SELECT FROM unnest($2::bigint[], $3::bigint[]) AS p (id, lsn)
    JOIN "library"."book__" c ON c.__id = p.id
    WHERE c."__origin" = s.origin
      AND c."id" = s.c0
      AND c.__start = s.at
      AND c.__end > s.at
      AND p.lsn < ($4::bigint[])[s.ord + 1]
      AND NOT (s.upsert
          AND (s.c0 IS NOT DISTINCT FROM c."id"
              AND s.c1 IS NOT DISTINCT FROM c."title"
              AND record_image_eq(ROW(s.c2), ROW(c."data")))));

-- KeyMatch.LastingVersions
SELECT s.ord, c.__id, c.__start, c.__end, c.__current, s.upsert AND (s.c0 IS NOT DISTINCT FROM c."id" AND s.c1 IS NOT DISTINCT FROM c."title" AND record_image_eq(ROW(s.c2), ROW(c."data")))
FROM "pg_temp"."metadb_stage_1" s
JOIN "library"."book__" c ON c."__origin" = s.origin
  AND c."id" = s.c0
WHERE ($1::boolean[])[s.ord + 1]
  AND c.__end >= s.at
ORDER BY s.ord, c.__end, c.__id;

-- KeyMatch.Intervals
SELECT c.__id, c.ctid, c.__start, c.__end, c.__current, s.upsert AND (s.c0 IS NOT DISTINCT FROM c."id" AND s.c1 IS NOT DISTINCT FROM c."title" AND record_image_eq(ROW(s.c2), ROW(c."data")))
FROM "pg_temp"."metadb_stage_1" s
JOIN "library"."book__" c ON c."__origin" = s.origin
  AND c."id" = s.c0
WHERE s.head
ORDER BY c.__start, c.__id;

-- KeyMatch.FillFromCurrent
UPDATE "pg_temp"."metadb_stage_1" AS s
SET c2 = CASE WHEN 2 = ANY (s.missing) THEN c."data" ELSE s.c2 END
FROM "library"."book" AS c
WHERE c."__origin" = s.origin
  AND c."id" = s.c0
  AND s.missing IS NOT NULL
  AND s.via IS NULL
  AND true;

-- KeyMatch.FillByOldKey
UPDATE "pg_temp"."metadb_stage_1" AS i
SET c2 = CASE WHEN 2 = ANY (i.missing) THEN CASE WHEN pg_column_size(v.c2) > 32 AND length(v.c2::text) >= 500 THEN v.c2 END ELSE i.c2 END
FROM "pg_temp"."metadb_stage_1" AS s
JOIN "pg_temp"."metadb_stage_1" AS w ON w.via = s.ord
CROSS JOIN LATERAL (SELECT c."data" AS c2
    FROM "library"."book__" AS c
    WHERE c."__origin" = s.origin
      AND c."id" = s.c0
      AND (c.__current
          OR NOT s.upsert
          AND c.__end = greatest(s.at, c.__start))
    ORDER BY c.__current = s.follows DESC, c.__start DESC, c.__id DESC LIMIT 1) AS v
WHERE s.probe
  AND i.ord = w.ord;

-- KeyMatch.PairedDeletes
SELECT w.ord
FROM "pg_temp"."metadb_stage_1" AS s
JOIN "pg_temp"."metadb_stage_1" AS w ON w.via = s.ord
WHERE s.probe
  AND EXISTS (SELECT FROM "library"."book__" AS c
    WHERE c."__origin" = s.origin
      AND c."id" = s.c0
      AND NOT c.__current
      AND c.__end = greatest(s.at, c.__start));

-- FillFromVersion
UPDATE "pg_temp"."metadb_stage_1" AS s
SET c2 = c."data"
FROM "library"."book__" AS c
WHERE s.head
  AND c.__id = $1;

-- EqualNeighbours
SELECT ord
FROM (SELECT ord, follows AND upsert AND record_image_eq(ROW(c0, c1, c2), lag(ROW(c0, c1, c2)) OVER (ORDER BY ord)) AS same
    FROM "pg_temp"."metadb_stage_1" AS i
    WHERE NOT probe) s
WHERE same;

-- DrawIDs
SELECT CASE WHEN max(id) - min(id) = count(*) - 1 THEN ARRAY[min(id)] ELSE array_agg(id) END
FROM (SELECT nextval('"library"."book____id_seq"'::pg_catalog.regclass) AS id, generate_series(1, $1::bigint)) AS drawn;

-- InsertStaged
INSERT INTO "library"."book" ("__id", "__start", "__end", "__current", "__origin", "id", "title", "data")
SELECT ($1::bigint[])[s.ord + 1], ($2::timestamptz[])[s.ord + 1], ($3::timestamptz[])[s.ord + 1], $4::boolean, s.origin, s.c0, s.c1, s.c2
FROM "pg_temp"."metadb_stage_1" s
WHERE NOT s.probe
  AND ($1::bigint[])[s.ord + 1] <> 0;

-- CopyVersions
COPY "library"."book" ("__id", "__start", "__end", "__current", "__origin", "id", "title");

-- CopyConfirmed
COPY "library"."book__sync" ("__id");

-- InsertEnded
INSERT INTO "library"."zzz___book___2026" ("__id", "__start", "__end", "__current", "__origin", "id", "title", "data")
SELECT c.__id, c.__start, e.at, false, c.__origin, c."id", c."title", c."data"
FROM unnest($1::bigint[], $2::timestamptz[], $3::tid[]) AS e (id, at, place)
JOIN "library"."book" AS c ON c.ctid = e.place
  AND c.__id = e.id;

-- DeleteEnded
DELETE FROM "library"."book" AS c
USING unnest($1::bigint[], $2::tid[]) AS e (id, place)
WHERE c.ctid = e.place
  AND c.__id = e.id;

-- EndRows
WITH gone (ord, id, began, ended, origin, c0, c1, c2) AS (DELETE FROM "library"."book" AS c
    WHERE c.__origin = $1
    RETURNING 0, c.__id, c.__start, greatest($2::timestamptz, c.__start), c.__origin, c."id", c."title", c."data")
, moved AS (INSERT INTO "library"."book__h" ("__id", "__start", "__end", "__current", "__origin", "id", "title", "data")
    SELECT id, began, ended, false, origin, c0, c1, c2
    FROM gone
    RETURNING __end)
SELECT count(*), max(__end)
FROM moved;

-- TruncatedYears
SELECT coalesce(array_agg(DISTINCT extract(year FROM __start)::int), '{}')
FROM "library"."book" AS c
WHERE c.__origin = $1
  AND $2::timestamptz IS NOT NULL;

-- TruncateOvertaken
UPDATE "library"."book__h"
SET __end = $2
WHERE __origin = $1
  AND (__start < $2 OR __id = ANY ($3))
  AND __end > $2;

-- ReinsertedRows
SELECT __id, __end, "id", "title", "data"
FROM "library"."book__"
WHERE __id = ANY ($1)
  AND __origin = $4::text
  AND (__start < $2 OR __id = ANY ($3))
  AND __end > $2
ORDER BY __id;

-- ResumeVersion
INSERT INTO "library"."book__h" ("__id", "__start", "__end", "__current", "__origin", "id", "title", "data")
SELECT $2, $3, $4, $5, __origin, "id", "title", "data"
FROM "library"."book__"
WHERE __id = $1;

-- BeginEarlier
UPDATE "library"."book__"
SET "__start" = $2
WHERE __id = $1;

-- EndEarlier
UPDATE "library"."book__h"
SET "__end" = $2
WHERE __id = $1;

-- KeyList.ReplacedRows
SELECT e.ord, c.__id, c.__start, c.ctid, ($3::boolean[])[e.ord] AND coalesce(pg_column_size(c."data") > 32 AND length(c."data"::text) >= 500, false)
FROM unnest($1::integer[]) WITH ORDINALITY AS e (k0, ord)
JOIN "library"."book" AS c ON c.__origin = $2::text
  AND c."id" = e.k0;

-- KeyList.RowValues
SELECT e.ord, c.__id, c."id", c."title"
FROM unnest($1::integer[]) WITH ORDINALITY AS e (k0, ord)
JOIN "library"."book" AS c ON c.__origin = $2::text
  AND c."id" = e.k0
  AND c."data" IS NULL;

-- EqualReplacements
SELECT e.ord
FROM unnest($1::bigint[], $2::timestamptz[], $3::bigint[]) WITH ORDINALITY AS e (old, began, new, ord)
JOIN "library"."book__h" AS h ON h.__id = e.old
  AND h.__start = e.began
JOIN "library"."book" AS c ON c.__id = e.new
WHERE (h."id" IS NOT DISTINCT FROM c."id"
      AND h."title" IS NOT DISTINCT FROM c."title"
      AND record_image_eq(ROW(h."data"), ROW(c."data")));

-- DeleteReplacements
DELETE FROM "library"."book" AS c
USING unnest($1::bigint[]) AS e (id)
WHERE c.__id = e.id;

-- RestoreReplaced
WITH back (id, began, origin, c0, c1, c2) AS (DELETE FROM "library"."book__h" AS h
    USING unnest($1::bigint[], $2::timestamptz[]) AS e (id, began)
    WHERE h.__id = e.id
      AND h.__start = e.began
    RETURNING h.__id, h.__start, h.__origin, h."id", h."title", h."data")
INSERT INTO "library"."book" ("__id", "__start", "__end", "__current", "__origin", "id", "title", "data")
SELECT id, began, $3::timestamptz, true, origin, c0, c1, c2
FROM back;
