-- Where a chunk of events stands while it is applied, if an event trigger keeps
-- temporary tables from being made: one row for each item of a stage, the values as
-- texts. Empty at the end of every transaction.
CREATE UNLOGGED TABLE metadb.stage (
	number integer NOT NULL,
	ord integer NOT NULL,
	head boolean,
	follows boolean,
	upsert boolean,
	probe boolean,
	suspect boolean,
	at timestamptz,
	origin text,
	missing integer[],
	via integer,
	cells text[]
);
