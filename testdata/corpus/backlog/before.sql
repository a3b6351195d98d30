CREATE SCHEMA b;
CREATE TABLE b.acct (id int PRIMARY KEY, amount int, doc text);
ALTER TABLE b.acct ALTER doc SET STORAGE external;
CREATE TABLE b.log (n bigserial PRIMARY KEY, op text, old_id int, new_id int, new text, same boolean);
CREATE FUNCTION b.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		IF tg_op = 'TRUNCATE' THEN INSERT INTO b.log (op) VALUES (tg_op); RETURN NULL; END IF;
		INSERT INTO b.log (op, old_id, new_id, new, same) VALUES (tg_op, old.id, new.id, new.amount || ' ' || md5(new.doc), old IS NOT DISTINCT FROM new);
		RETURN NULL; END $$;
CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON b.acct FOR EACH ROW EXECUTE FUNCTION b.note();
CREATE TRIGGER note_truncate AFTER TRUNCATE ON b.acct EXECUTE FUNCTION b.note();
INSERT INTO b.acct SELECT g, 0, repeat(md5(g::text), 100) FROM generate_series(1, 200) g;
