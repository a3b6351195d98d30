//go:build e2e

package e2e

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"metadb/internal/testkit/corpus"
	"metadb/internal/testkit/pace"
)

// rounds is the number of rounds in which TestOrderUnderBacklog kills the worker, the broker or
// both.
var rounds = flag.Int("rounds", 2, "rounds of TestOrderUnderBacklog")

// accounts creates a table and the source's own record of its changes, by triggers, which hold
// the lock of the row or of the table.
var accounts = []string{
	`CREATE SCHEMA b`,
	`CREATE TABLE b.acct (id int PRIMARY KEY, amount int, doc text)`,
	`ALTER TABLE b.acct ALTER doc SET STORAGE external`,
	`CREATE TABLE b.log (n bigserial PRIMARY KEY, op text, old_id int, new_id int, new text, same boolean)`,
	`CREATE FUNCTION b.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		IF tg_op = 'TRUNCATE' THEN INSERT INTO b.log (op) VALUES (tg_op); RETURN NULL; END IF;
		INSERT INTO b.log (op, old_id, new_id, new, same) VALUES (tg_op, old.id, new.id, new.amount || ' ' || md5(new.doc), old IS NOT DISTINCT FROM new);
		RETURN NULL; END $$`,
	`CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON b.acct FOR EACH ROW EXECUTE FUNCTION b.note()`,
	`CREATE TRIGGER note_truncate AFTER TRUNCATE ON b.acct EXECUTE FUNCTION b.note()`,
}

// TestOrderUnderBacklog changes a table in several sessions, with truncates and changes of key,
// while the Connect worker or the broker is down. Its topic has four partitions, to which the
// backlog is then written in any order. All versions have to be those of the source's own
// record.
func TestOrderUnderBacklog(t *testing.T) {
	t.Parallel()
	s, m := startStackOf(t, 4), install(t)
	s.source.exec(t, accounts...)
	m.start(t)
	config := s.source.connector("metadb_b_1")
	config["table.include.list"] = "b.acct"
	s.connect.createConnector(t, "metadb_b_1", config)
	m.psql(t, fmt.Sprintf(`create data source b type kafka options (brokers '%s', security 'plaintext',
		topics '^metadb_b_1\.', consumer_group 'metadb_b_1_1')`, s.broker))
	s.source.exec(t, firstAccounts)
	eventually(t, pace.Hang, "the first rows arrive", func() error { return sameAccounts(t.Context(), s.source, m) })
	for round := range *rounds {
		switch round % 3 {
		case 0:
			s.connect.kill(t)
		case 1:
			s.kafka.kill(t)
		case 2:
			s.connect.kill(t)
			s.kafka.kill(t)
		}
		s.source.writeAccounts(t, uint64(round), 400)
		eventually(t, pace.Hang, fmt.Sprintf("round %d: the versions are those of the source", round+1), func() error { return sameAccounts(t.Context(), s.source, m) })
	}
	if n := value[int](t, m, "SELECT count(*) FROM metadb.rejected_event"); n != 0 {
		t.Errorf("%d events were rejected", n)
	}
}

// writeAccounts changes the accounts in four sessions, each in so many transactions.
func (s *source) writeAccounts(t *testing.T, seed uint64, transactions int) {
	t.Helper()
	group, ctx := errgroup.WithContext(t.Context())
	for session := range uint64(4) {
		random := rand.New(rand.NewPCG(seed, session))
		group.Go(func() error {
			for range transactions {
				_, err := s.pool.Exec(ctx, randomTransaction(random))
				if err != nil && !strings.Contains(err.Error(), "40P01") && !strings.Contains(err.Error(), "23505") {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatalf("change the accounts: %v", err)
	}
}

// randomTransaction returns a transaction that changes accounts: statements in one message.
func randomTransaction(random *rand.Rand) string {
	var statements []string
	for range 1 + random.IntN(3) {
		id := 1 + random.IntN(200)
		switch action := random.IntN(100); {
		case action < 1:
			statements = append(statements, "TRUNCATE b.acct")
		case action < 45:
			statements = append(statements, fmt.Sprintf("INSERT INTO b.acct VALUES (%d, %d, repeat(md5('%d'), 100)) ON CONFLICT (id) DO NOTHING", id, random.IntN(3), random.IntN(1000)))
		case action < 80:
			statements = append(statements, fmt.Sprintf("UPDATE b.acct SET amount = amount + %d WHERE id = %d", random.IntN(3), id))
		case action < 90:
			statements = append(statements, fmt.Sprintf("UPDATE b.acct SET id = %d WHERE id = %d", 1+random.IntN(200), id))
		default:
			statements = append(statements, fmt.Sprintf("DELETE FROM b.acct WHERE id = %d", id))
		}
	}
	return strings.Join(statements, "; ")
}

// sameAccounts compares all versions with the source's record.
func sameAccounts(ctx context.Context, source *source, m *metadb) error {
	want, err := recordedAccounts(ctx, source)
	if err != nil {
		return err
	}
	rows, err := queryTexts(ctx, m.pool, `SELECT id::text, amount || ' ' || md5(doc), __current::text, (__start <= __end AND __start >=
			coalesce(lag(__end) OVER (PARTITION BY id ORDER BY __start, __id), __start))::text
		FROM b.acct__ ORDER BY id, __start, __id`)
	if err != nil {
		return err
	}
	got := make(map[string][]string)
	for _, row := range rows {
		got[row[0]] = append(got[row[0]], corpus.DescribeVersion(row[1], row[2] == "true"))
		if row[3] != "true" {
			return fmt.Errorf("versions of %s overlap", row[0])
		}
	}
	var lines []string
	for id := range want {
		if !slices.Equal(got[id], want[id]) {
			lines = append(lines, fmt.Sprintf("%s: got %s, want %s", id, got[id], want[id]))
		}
	}
	slices.Sort(lines)
	if len(lines) > 0 || len(got) != len(want) {
		return fmt.Errorf("%d of %d rows differ (%d are there):\n%s", len(lines), len(want), len(got), strings.Join(lines[:min(3, len(lines))], "\n"))
	}
	return nil
}

// recordedAccounts returns the versions of each row in the source's record.
func recordedAccounts(ctx context.Context, source *source) (map[string][]string, error) {
	rows, err := queryTexts(ctx, source.pool, "SELECT op, coalesce(old_id::text, ''), coalesce(new_id::text, ''), coalesce(new, ''), coalesce(same, false)::text FROM b.log ORDER BY n")
	if err != nil {
		return nil, err
	}
	log := make([]corpus.LogEntry, len(rows))
	for i, row := range rows {
		log[i] = corpus.LogEntry{N: int64(i), Op: row[0], OldID: row[1], NewID: row[2], New: row[3], Same: row[4] == "true"}
	}
	return corpus.LoggedVersions(log), nil
}
