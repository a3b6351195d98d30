-- Stage.CreateSQL
CREATE TEMPORARY TABLE IF NOT EXISTS "metadb_stage_1" (ord int, head boolean, follows boolean, upsert boolean, probe boolean, suspect boolean, at timestamptz, origin text, missing int[], via int, c0 text, c1 text) ON COMMIT DELETE ROWS; DELETE FROM "pg_temp"."metadb_stage_1";

-- Stage.CopySQL
COPY "pg_temp"."metadb_stage_1" (ord, head, follows, upsert, probe, suspect, at, origin, missing, via, c0, c1);

-- Stage.CopySQL, permanent
COPY metadb.stage (ord, head, follows, upsert, probe, suspect, at, origin, missing, via, number, cells);

-- Stage.InsertSQL
INSERT INTO "pg_temp"."metadb_stage_1" (ord, head, follows, upsert, probe, suspect, at, origin, missing, via, c0)
SELECT ord, head, follows, upsert, probe, suspect, at, origin, missing, via, c0::bigint
FROM (SELECT ord, head, follows, upsert, probe, suspect, at, origin, missing, via, cells[1]::text AS c0, cells[2]::text AS c1
    FROM metadb.stage
    WHERE number = 2) AS s;

-- Stage.InsertSQL, permanent
INSERT INTO metadb.stage (number, ord, head, follows, upsert, probe, suspect, at, origin, missing, via, cells)
SELECT 2, ord, head, follows, upsert, probe, suspect, at, origin, missing, via, ARRAY[(c0::bigint)::text, NULL]::text[]
FROM "pg_temp"."metadb_stage_1" AS s;

-- Stage.EmptySQL, permanent
DELETE FROM metadb.stage
WHERE number = 2;

-- KeyMatch.CurrentRows
SELECT s.ord, c.__id, c.__start, c.ctid, s.upsert AND (s.c1 IS NOT DISTINCT FROM c."name" AND record_image_eq(ROW(s.c0), ROW(c."code"))), s.c1 IS NULL AND coalesce(pg_column_size(c."name") > 32 AND length(c."name"::text) >= 500, false)
FROM "pg_temp"."metadb_stage_1" s
JOIN "library"."branch" c ON c."__origin" = s.origin
  AND c."code" = s.c0
WHERE s.head;

-- KeyMatch.LastEnds
SELECT s.ord, max(c.__end)
FROM "pg_temp"."metadb_stage_1" s
JOIN "library"."branch__h" c ON c."__origin" = s.origin
  AND c."code" = s.c0
WHERE ($1::boolean[])[s.ord + 1]
GROUP BY s.ord;

-- KeyMatch.LastEndedAt
SELECT s.ord
FROM "pg_temp"."metadb_stage_1" s
WHERE ($1::boolean[])[s.ord + 1]
  AND (SELECT max(c.__end)
    FROM "library"."branch__" c
    WHERE c."__origin" = s.origin
      AND c."code" = s.c0) = $2;

-- KeyMatch.Repeated
SELECT s.ord
FROM "pg_temp"."metadb_stage_1" s
WHERE ($1::boolean[])[s.ord + 1]
  AND CASE WHEN s.upsert THEN EXISTS (SELECT FROM "library"."branch__" c
    WHERE c."__origin" = s.origin
      AND c."code" = s.c0
      AND (c.__start > s.at
          OR s.at <= c.__end
          AND (CASE WHEN 1 = ANY (s.missing) THEN c."name" ELSE s.c1 END IS NOT DISTINCT FROM c."name"
              AND record_image_eq(ROW(s.c0), ROW(c."code"))))) ELSE s.c0 IS NOT NULL
  AND (EXISTS (SELECT FROM "library"."branch__" c
        WHERE c."__origin" = s.origin
          AND c."code" = s.c0
          AND (c.__start > s.at OR c.__end = s.at AND NOT c.__current))
      OR NOT EXISTS (SELECT FROM "library"."branch__" c
        WHERE c."__origin" = s.origin
          AND c."code" = s.c0
          AND c.__start <= s.at
          AND s.at < c.__end)) END;

-- KeyMatch.Repeated, by position
SELECT s.ord
FROM "pg_temp"."metadb_stage_1" s
WHERE ($1::boolean[])[s.ord + 1]
  AND CASE WHEN s.upsert THEN EXISTS (SELECT FROM "library"."branch__" c
    WHERE c."__origin" = s.origin
      AND c."code" = s.c0
      AND (c.__start > s.at
          OR s.at <= c.__end
          AND (s.c1 IS NOT DISTINCT FROM c."name"
              AND record_image_eq(ROW(s.c0), ROW(c."code")))
          AND (c.__end > s.at
              OR NOT ($5::boolean[])[s.ord + 1]
              OR c.__start >= s.at
              AND NOT EXISTS (SELECT FROM unnest($2::bigint[], $3::bigint[]) AS p (id, lsn)
                WHERE p.id = c.__id
                  AND p.lsn < ($4::bigint[])[s.ord + 1])))) ELSE s.c0 IS NOT NULL
  AND (EXISTS (SELECT FROM "library"."branch__" c
        WHERE c."__origin" = s.origin
          AND c."code" = s.c0
          AND (c.__start > s.at OR c.__end = s.at AND NOT c.__current))
      OR NOT EXISTS (SELECT FROM "library"."branch__" c
        WHERE c."__origin" = s.origin
          AND c."code" = s.c0
          AND c.__start <= s.at
          AND s.at < c.__end)) END
  AND NOT EXISTS (SELECT FROM unnest($2::bigint[], $3::bigint[]) AS p (id, lsn)
    JOIN "library"."branch__" c ON c.__id = p.id
    WHERE c."__origin" = s.origin
      AND c."code" = s.c0
      AND c.__start = s.at
      AND c.__end > s.at
      AND p.lsn < ($4::bigint[])[s.ord + 1]
      AND NOT (s.upsert
          AND (s.c1 IS NOT DISTINCT FROM c."name"
              AND record_image_eq(ROW(s.c0), ROW(c."code")))));

-- KeyMatch.LastingVersions
SELECT s.ord, c.__id, c.__start, c.__end, c.__current, s.upsert AND (s.c1 IS NOT DISTINCT FROM c."name" AND record_image_eq(ROW(s.c0), ROW(c."code")))
FROM "pg_temp"."metadb_stage_1" s
JOIN "library"."branch__" c ON c."__origin" = s.origin
  AND c."code" = s.c0
WHERE ($1::boolean[])[s.ord + 1]
  AND c.__end >= s.at
ORDER BY s.ord, c.__end, c.__id;

-- KeyMatch.Intervals
SELECT c.__id, c.ctid, c.__start, c.__end, c.__current, s.upsert AND (s.c1 IS NOT DISTINCT FROM c."name" AND record_image_eq(ROW(s.c0), ROW(c."code")))
FROM "pg_temp"."metadb_stage_1" s
JOIN "library"."branch__" c ON c."__origin" = s.origin
  AND c."code" = s.c0
WHERE s.head
ORDER BY c.__start, c.__id;

-- KeyMatch.FillFromCurrent
UPDATE "pg_temp"."metadb_stage_1" AS s
SET c1 = CASE WHEN 1 = ANY (s.missing) THEN c."name" ELSE s.c1 END
FROM "library"."branch" AS c
WHERE c."__origin" = s.origin
  AND c."code" = s.c0
  AND s.missing IS NOT NULL
  AND s.via IS NULL
  AND true;

-- KeyMatch.FillByOldKey
UPDATE "pg_temp"."metadb_stage_1" AS i
SET c1 = CASE WHEN 1 = ANY (i.missing) THEN CASE WHEN pg_column_size(v.c1) > 32 AND length(v.c1::text) >= 500 THEN v.c1 END ELSE i.c1 END
FROM "pg_temp"."metadb_stage_1" AS s
JOIN "pg_temp"."metadb_stage_1" AS w ON w.via = s.ord
CROSS JOIN LATERAL (SELECT c."name" AS c1
    FROM "library"."branch__" AS c
    WHERE c."__origin" = s.origin
      AND c."code" = s.c0
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
  AND EXISTS (SELECT FROM "library"."branch__" AS c
    WHERE c."__origin" = s.origin
      AND c."code" = s.c0
      AND NOT c.__current
      AND c.__end = greatest(s.at, c.__start));

-- FillFromVersion
UPDATE "pg_temp"."metadb_stage_1" AS s
SET c1 = c."name"
FROM "library"."branch__" AS c
WHERE s.head
  AND c.__id = $1;

-- EqualNeighbours
SELECT ord
FROM (SELECT ord, follows AND upsert AND record_image_eq(ROW(c0, c1), lag(ROW(c0, c1)) OVER (ORDER BY ord)) AS same
    FROM "pg_temp"."metadb_stage_1" AS i
    WHERE NOT probe) s
WHERE same;

-- DrawIDs
SELECT CASE WHEN max(id) - min(id) = count(*) - 1 THEN ARRAY[min(id)] ELSE array_agg(id) END
FROM (SELECT nextval('"library"."branch____id_seq"'::pg_catalog.regclass) AS id, generate_series(1, $1::bigint)) AS drawn;

-- InsertStaged
INSERT INTO "library"."branch" ("__id", "__start", "__end", "__current", "__origin", "code", "name")
SELECT ($1::bigint[])[s.ord + 1], ($2::timestamptz[])[s.ord + 1], ($3::timestamptz[])[s.ord + 1], $4::boolean, s.origin, s.c0, s.c1
FROM "pg_temp"."metadb_stage_1" s
WHERE NOT s.probe
  AND ($1::bigint[])[s.ord + 1] <> 0;

-- CopyVersions
COPY "library"."branch" ("__id", "__start", "__end", "__current", "__origin", "code", "name");

-- CopyConfirmed
COPY "library"."branch__sync" ("__id");

-- InsertEnded
INSERT INTO "library"."zzz___branch___2026" ("__id", "__start", "__end", "__current", "__origin", "code", "name")
SELECT c.__id, c.__start, e.at, false, c.__origin, c."code", c."name"
FROM unnest($1::bigint[], $2::timestamptz[], $3::tid[]) AS e (id, at, place)
JOIN "library"."branch" AS c ON c.ctid = e.place
  AND c.__id = e.id;

-- DeleteEnded
DELETE FROM "library"."branch" AS c
USING unnest($1::bigint[], $2::tid[]) AS e (id, place)
WHERE c.ctid = e.place
  AND c.__id = e.id;

-- EndRows
WITH gone (ord, id, began, ended, origin, c0, c1) AS (DELETE FROM "library"."branch" AS c
    WHERE c.__origin = $1
    RETURNING 0, c.__id, c.__start, greatest($2::timestamptz, c.__start), c.__origin, c."code", c."name")
, moved AS (INSERT INTO "library"."branch__h" ("__id", "__start", "__end", "__current", "__origin", "code", "name")
    SELECT id, began, ended, false, origin, c0, c1
    FROM gone
    RETURNING __end)
SELECT count(*), max(__end)
FROM moved;

-- TruncatedYears
SELECT coalesce(array_agg(DISTINCT extract(year FROM __start)::int), '{}')
FROM "library"."branch" AS c
WHERE c.__origin = $1
  AND $2::timestamptz IS NOT NULL;

-- TruncateOvertaken
UPDATE "library"."branch__h"
SET __end = $2
WHERE __origin = $1
  AND (__start < $2 OR __id = ANY ($3))
  AND __end > $2;

-- ReinsertedRows
SELECT __id, __end, "code", "name"
FROM "library"."branch__"
WHERE __id = ANY ($1)
  AND __origin = $4::text
  AND (__start < $2 OR __id = ANY ($3))
  AND __end > $2
ORDER BY __id;

-- ResumeVersion
INSERT INTO "library"."branch__h" ("__id", "__start", "__end", "__current", "__origin", "code", "name")
SELECT $2, $3, $4, $5, __origin, "code", "name"
FROM "library"."branch__"
WHERE __id = $1;

-- BeginEarlier
UPDATE "library"."branch__"
SET "__start" = $2
WHERE __id = $1;

-- EndEarlier
UPDATE "library"."branch__h"
SET "__end" = $2
WHERE __id = $1;

-- KeyList.ReplacedRows
SELECT e.ord, c.__id, c.__start, c.ctid, ($3::boolean[])[e.ord] AND coalesce(pg_column_size(c."name") > 32 AND length(c."name"::text) >= 500, false)
FROM unnest($1::text[]) WITH ORDINALITY AS e (k0, ord)
JOIN "library"."branch" AS c ON c.__origin = $2::text
  AND c."code" = e.k0;

-- KeyList.RowValues
SELECT e.ord, c.__id, c."code", c."name"
FROM unnest($1::text[]) WITH ORDINALITY AS e (k0, ord)
JOIN "library"."branch" AS c ON c.__origin = $2::text
  AND c."code" = e.k0;

-- EqualReplacements
SELECT e.ord
FROM unnest($1::bigint[], $2::timestamptz[], $3::bigint[]) WITH ORDINALITY AS e (old, began, new, ord)
JOIN "library"."branch__h" AS h ON h.__id = e.old
  AND h.__start = e.began
JOIN "library"."branch" AS c ON c.__id = e.new
WHERE (h."name" IS NOT DISTINCT FROM c."name"
      AND record_image_eq(ROW(h."code"), ROW(c."code")));

-- DeleteReplacements
DELETE FROM "library"."branch" AS c
USING unnest($1::bigint[]) AS e (id)
WHERE c.__id = e.id;

-- RestoreReplaced
WITH back (id, began, origin, c0, c1) AS (DELETE FROM "library"."branch__h" AS h
    USING unnest($1::bigint[], $2::timestamptz[]) AS e (id, began)
    WHERE h.__id = e.id
      AND h.__start = e.began
    RETURNING h.__id, h.__start, h.__origin, h."code", h."name")
INSERT INTO "library"."branch" ("__id", "__start", "__end", "__current", "__origin", "code", "name")
SELECT id, began, $3::timestamptz, true, origin, c0, c1
FROM back;
