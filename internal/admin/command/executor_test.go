package command_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"metadb/internal/admin/access"
	"metadb/internal/admin/command"
	"metadb/internal/admin/lang"
	"metadb/internal/change"
	"metadb/internal/observe/status"
	"metadb/internal/target/metaschema"
	"metadb/internal/testkit/pgtest"
)

// fixture is an executor with a database and a controller that records calls.
type fixture struct {
	*command.Executor
	// services are those of the executor.
	services command.Services
	t        *testing.T
	db       *pgtest.DB
	calls    []string
	// fail is the result of the next start.
	fail error
	// late cancels the command when it calls the controller.
	late     context.CancelFunc
	registry status.Registry
	log      bytes.Buffer
}

func setUp(t *testing.T) *fixture {
	t.Helper()
	return setUpOn(t, pgtest.New(t))
}

func setUpOn(t *testing.T, db *pgtest.DB) *fixture {
	t.Helper()
	f := &fixture{t: t, db: db}
	conn, err := pgx.Connect(t.Context(), f.db.ConnString)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if err := metaschema.Ensure(t.Context(), conn, "test"); err != nil {
		t.Fatal(err)
	}
	f.services = command.Services{
		SourceTypes: []string{"kafka"},
		DB:          f.db.Pool, Control: f, Status: &f.registry, Logger: slog.New(slog.NewTextHandler(&f.log, nil)),
		Super: func(ctx context.Context) (*pgx.Conn, error) { return pgx.Connect(ctx, f.db.ConnString) },
		Roles: access.Roles{System: f.role("system"), Super: "postgres"},
	}
	f.Executor = command.New(f.services)
	return f
}

func (f *fixture) StartSource(ctx context.Context, name string) error {
	f.cancelLate(ctx)
	f.calls = append(f.calls, "start "+name)
	return f.fail
}

func (f *fixture) StopSource(ctx context.Context, name string) error {
	f.cancelLate(ctx)
	f.calls = append(f.calls, "stop "+name)
	return nil
}

func (f *fixture) SetOrigins(origins []change.Origin) {
	f.calls = append(f.calls, fmt.Sprint("origins ", origins))
}

// parse splits a query string into commands and SQL.
func (f *fixture) parse(query string) []lang.Statement { return f.Parse(lang.Dialect{}, query) }

// run executes one command and returns its answer as text: notices, rows, tag, or the error.
func (f *fixture) run(query string) string {
	f.t.Helper()
	statements := f.parse(query)
	if len(statements) != 1 || statements[0].Command == nil {
		f.t.Fatalf("%s: no command: %v", query, statements)
	}
	result, err := f.Exec(f.t.Context(), statements[0].Command)
	if err != nil {
		e := command.AsError(err)
		return fmt.Sprintf("%s %s (%d) %s", e.Code, e.Message, e.Position, e.Hint)
	}
	if described := command.Describe(statements[0].Command); !slices.Equal(described, result.Columns) {
		f.t.Errorf("%s: described as %v, has %v", query, described, result.Columns)
	}
	var lines []string
	for _, n := range result.Notices {
		lines = append(lines, string(n.Severity)+" "+n.Message)
	}
	for _, row := range result.Rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = strings.ReplaceAll(fmt.Sprint(cell), "<nil>", "-")
		}
		lines = append(lines, strings.Join(cells, "|"))
	}
	return strings.Join(append(lines, result.Tag), "\n")
}

// expect runs a command and compares the beginning of its answer.
func (f *fixture) expect(query, want string) {
	f.t.Helper()
	if got := f.run(query); !strings.HasPrefix(got, want) {
		f.t.Errorf("%s\n got %s\nwant %s", query, got, want)
	}
}

// TestSourceLifecycle creates, changes and drops data sources.
func TestSourceLifecycle(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	f.expect("create data source a type kafka options (brokers 'b', topics '^a', consumer_group 'g')", "CREATE DATA SOURCE")
	f.expect("create data source a type kafka options (brokers 'b', topics '^a', consumer_group 'g')", `42710 data source "a" already exists (20)`)
	f.expect("create data source b type kafka options (brokers 'b', topics '^b', consumer_group 'g')",
		`42710 consumer group "g" is used by data source "a" (83) every data source needs`)
	f.expect("create data source b type kafka options (brokers 'b', topics '^b')",
		`22023 option "consumer_group" is required (20) give it in: options (consumer_group '…')`)
	f.expect("create data source b type kafka options (brokers 'b', brokers 'c')", `42710 option "brokers" provided more than once (55)`)
	f.expect("create data source b type rabbit options (brokers 'b')", `22023 invalid data source type "rabbit" (27) the type is "kafka"`)
	f.expect("create data source b type kafka options (security 'none')", `22023 invalid value for option "security": "none" is not one of its values (51) valid values are: ssl, plaintext, sasl_ssl, sasl_plaintext`)
	f.expect("create data source "+strings.Repeat("x", 64)+" type kafka", `22023 invalid value for option "name": longer than 63 bytes (20)`)

	f.expect("alter data source a options (set brokers 'c:1')", "NOTICE the change is used at the next connection; restart the server to use it now\nALTER DATA SOURCE")
	f.expect("alter data source a options (set topics '^c', add schema_stop_filter 'x')",
		"NOTICE the server must be restarted for the change to take effect\nALTER DATA SOURCE")
	f.expect("alter data source a options (add topics '^d')", `42710 option "topics" already has a value (34) use: set topics '…'`)
	f.expect("alter data source a options (set module 'folio')", `42704 option "module" has no value (34) use: add module '…'`)
	f.expect("alter data source a options (drop module)", `42704 option "module" has no value (35)`)
	f.expect("alter data source a options (drop topics)", `22023 option "topics" is required (19)`)
	f.expect("alter data source a options (drop nothing)", `HV00D invalid option "nothing" (35)`)
	f.expect("alter data source a options (drop schema_stop_filter, set security 'plaintext')", "NOTICE the server must be restarted")
	f.expect("alter data source b options (set topics 'x')", `42704 data source "b" does not exist (19)`)
	f.expect("list data_sources", "a|c:1|plaintext|^c|g|-|-|-|-|-|-|-|true|-|-|-|-|-|-|-|-|-|-|-|-|-")
	// Scripts for 1.x write the names of some options as one word.
	f.expect("create data source b type kafka options (brokers 'b', topics '^b', consumergroup 'h', schemapassfilter 'p', schemastopfilter 's', "+
		"tablestopfilter 't', trimschemaprefix 'u_', addschemaprefix 'v_', module 'reshare')", "CREATE DATA SOURCE")
	f.expect("alter data source b options (set addschemaprefix 'w_', drop schema_pass_filter)", "NOTICE the server must be restarted")
	f.expect("alter data source b options (set consumergroup 'i', set consumer_group 'j')", `42710 option "consumer_group" provided more than once (57)`)
	f.expect("list data_sources", "a|c:1|plaintext|^c|g|-|-|-|-|-|-|-|true|-|-|-|-|-|-|-|-|-|-|-|-|-\nb|b|ssl|^b|h|-|s|t|u_|w_|-|reshare|true|-|-|-|-|-|-|-|-|-|-|-|-|-")
	f.expect("alter data source b options (set module 'lsp')", `22023 invalid value for option "module": "lsp" is not one of its values (41) valid values are: folio, reshare`)
	f.expect("drop data source b", "NOTICE the tables")
	f.expect("drop data source b", `42704 data source "b" does not exist (18)`)
	f.expect("drop data source a", "NOTICE the tables of data source \"a\" are kept\nDROP DATA SOURCE")
	f.expect("list data_sources", "SELECT 0")

	f.fail = errors.New("no luck")
	f.expect("create data source a type kafka options (brokers 'b', topics '^a', consumer_group 'g')",
		`WARNING data source "a" was created but could not be started: no luck`)
	if got := strings.Join(f.calls, ", "); got != "start a, start b, stop b, stop a, start a" {
		t.Errorf("calls: %s", got)
	}
}

// TestSecrets checks that passwords are neither listed nor logged.
func TestSecrets(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	f.expect(`create data source a type kafka options (brokers 'b', topics '^a', consumer_group 'g', security 'sasl_ssl',
sasl_mechanism 'plain', sasl_username 'u', sasl_password 'hunter2')`, "CREATE DATA SOURCE")
	f.expect("alter data source a options (set sasl_password 'hunter3')", "NOTICE")
	f.expect("alter data source a options (set sasl_password 'hunter4', set x 'y')", "HV00D")
	for _, text := range []string{f.run("list data_sources"), f.log.String()} {
		if strings.Contains(text, "hunter") {
			t.Errorf("shows the password: %s", text)
		}
	}
}

// TestDropForgetsPositions checks which rows "drop data source" deletes and which it keeps.
func TestDropForgetsPositions(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	f.expect("create data source a type kafka options (brokers 'b', topics '^a', consumer_group 'g')", "CREATE DATA SOURCE")
	for _, sql := range []string{
		"insert into metadb.stream_position (source_name, consumer_group, topic, partition, next_offset) values ('a', 'g', 't', 0, 1), ('b', 'g', 't', 0, 1)",
		"insert into metadb.rejected_event (source_name, topic, partition, \"offset\", reason) values ('a', 't', 0, 1, 'r')",
	} {
		if _, err := f.db.Pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	f.expect("drop data source a", "NOTICE the tables of data source \"a\" are kept\n"+
		"NOTICE 1 rejected event of it is kept: to remove them, \"purge rejected events for data source \"a\"\"\nDROP DATA SOURCE")
	var left string
	const sql = `select (select string_agg(source_name, ',') from metadb.stream_position) || ' ' || (select count(*) from metadb.rejected_event)`
	if err := f.db.Pool.QueryRow(t.Context(), sql).Scan(&left); err != nil || left != "b 1" {
		t.Errorf("left: %s, %v", left, err)
	}
	f.expect("purge rejected events for data source a", "NOTICE 1 rejected event removed\nPURGE REJECTED EVENTS")
	f.expect("purge rejected events for data source a", `42704 data source "a" does not exist (39)`)
}

// TestOrigins creates and drops origins, and checks that the streams get them.
func TestOrigins(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	f.expect("create data origin west", "CREATE DATA ORIGIN")
	f.expect("create data origin east", "CREATE DATA ORIGIN")
	f.expect("create data origin east", `42710 data origin "east" already exists (20)`)
	f.expect("list data_origins", "east\nwest\nSELECT 2")
	f.expect("drop data origin west", "DROP DATA ORIGIN")
	f.expect("drop data origin west", `42704 data origin "west" does not exist (18)`)
	f.expect("create data origin "+strings.Repeat("x", 64), "22023 the name of an origin is longer than 63 bytes (20)")
	if got := strings.Join(f.calls, ", "); got != "origins [west], origins [east west], origins [east]" {
		t.Errorf("calls: %s", got)
	}
}

// TestParameters sets and lists parameters.
func TestParameters(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	f.expect("list config", "cancel_blockers_after|off\ncheckpoint_segment_size|3000\nexternal_sql_folio")
	f.expect("alter system set checkpoint_segment_size = '5000'", "NOTICE the server must be restarted for the change to take effect\nALTER SYSTEM")
	f.expect("alter system set external_sql_folio = 'https://git.example.org/reports.git/refs/tags/v1'", "ALTER SYSTEM")
	f.expect("alter system set snapshot_deadline = '90 minutes'", "NOTICE")
	f.expect("list config", "cancel_blockers_after|off\ncheckpoint_segment_size|5000\nexternal_sql_folio|https://git.example.org/reports.git/refs/tags/v1")
	f.expect("alter system set checkpoint_segment_size = '0'", `22023 invalid value for parameter "checkpoint_segment_size": "0" (44) it is a number from 1 to 1000000`)
	f.expect("alter system set checkpoint_segment_size = 'many'", "22023")
	f.expect("alter system set snapshot_deadline = 'soon'", `22023 invalid value for parameter "snapshot_deadline": "soon" (38) it is an interval above zero`)
	f.expect("alter system set snapshot_deadline = '0'", "22023")
	f.expect("alter system set cancel_blockers_after = '10 minutes'", "ALTER SYSTEM")
	f.expect("list config", "cancel_blockers_after|10 minutes\ncheckpoint_segment_size")
	f.expect("alter system set cancel_blockers_after = 'off'", "ALTER SYSTEM")
	f.expect("alter system set cancel_blockers_after = 'never'", `22023 invalid value for parameter "cancel_blockers_after": "never" (42) it is an interval above zero, such as '3 hours', or 'off'`)
	f.expect("alter system set snapshot_deadline = 'off'", "22023")
	f.expect("alter system set snapshot_dedline = '1'", `42704 unrecognized configuration parameter "snapshot_dedline" (18) did you mean "snapshot_deadline"?`)
}

// TestRepositories checks that the value is empty or URL/refs/KIND/NAME, without a password.
func TestRepositories(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	for _, value := range []string{
		"", "https://git.example.org/a/b/refs/tags/v1.8.1", "https://git.example.org/a/b.git/refs/heads/feature/x", "ssh://git@git.example.org/a.git/refs/heads/main",
		"file:///srv/sql/refs/heads/main", "/srv/sql/refs/heads/main", "http://[::1]:8080/a/refs/tags/v1",
	} {
		f.expect("alter system set external_sql_reshare = '"+value+"'", "ALTER SYSTEM")
	}
	for _, value := range []string{
		"refs/tags/v1", "https://git.example.org/a", "https://git.example.org/a/refs/tags", "https://git.example.org/a/refs/tags/", "https:///refs/tags/v1",
		"https://git.example.org/a/refs/v1", "git.example.org/a/refs/tags/v1", "https://git.example.org/a/refs/tags/v1 ", "main", "ftp://h/a/refs/tags/v1", "sql/refs/heads/main",
	} {
		f.expect("alter system set external_sql_folio = '"+value+"'",
			fmt.Sprintf(`22023 invalid value for parameter "external_sql_folio": "%s" (39) it is empty or URL/refs/KIND/NAME, such as`, value))
	}
	for _, value := range []string{"https://u:hunter2@git.example.org/a/refs/tags/v1", "https://hunter2@git.example.org/a/refs/tags/v1", "ssh://git:hunter2@h/a/refs/tags/v1"} {
		f.expect("alter system set external_sql_folio = '"+value+"'", `22023 invalid value for parameter "external_sql_folio": a URL with a user or password in it (39)`)
	}
	if text := f.run("list config") + f.log.String(); strings.Contains(text, "hunter2") {
		t.Errorf("shows the password: %s", text)
	}
}

// TestStatus lists the states of the streams.
func TestStatus(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	f.expect("list status", "SELECT 0")
	f.registry.Source("b").SetStream(status.Error, "broker away")
	f.registry.Source("b").SkippedTables().Add("mod_b.t1", "b.t1")
	f.registry.Source("a").SetStream(status.Active, "")
	f.expect("list status", "data_source|a|active|normal|-|-|0|0|-|0|-|-|-|-\ndata_source|b|error|normal|-|-|0|0|broker away; "+
		"mod_b.t1 has no primary key: nothing of it is copied. Give it one at the source (or REPLICA IDENTITY USING INDEX "+
		"together with message.key.columns in the connector), or add it to table_stop_filter|1|-|-|-|-\nSELECT 2")
	for _, name := range []string{"b.t2", "b.t3", "b.t4", "b.t5"} {
		f.registry.Source("b").SkippedTables().Add(name, name)
	}
	f.expect("list status", "data_source|a|active|normal|-|-|0|0|-|0|-|-|-|-\ndata_source|b|error|normal|-|-|0|0|broker away; "+
		"b.t2, b.t3, b.t4, and 2 more have no primary key: nothing of them is copied. Give them one at the source")
	f.registry.SetColumns(func() map[string]status.Columns {
		return map[string]status.Columns{"a": {
			Outdated:     []status.Outdated{{Table: "hr.room", Reasons: []string{"one", "two"}, ResyncCommands: "sync table hr.room__;"}},
			SnapshotOnly: []string{"column.exclude.list=hr.room.area"},
		}}
	})
	f.expect("list status", "data_source|a|active|normal|-|-|0|0|needs reading again: hr.room: one, two: sync table hr.room__;; "+
		"columns that come with snapshots only, to be left out by the connector: column.exclude.list=hr.room.area|0|-|-|-|-\n")
	f.registry.SetColumns(func() map[string]status.Columns { return nil })
	f.registry.Source("a").ConfirmedRows().SetCounts(9, 4)
	f.expect("list status", "data_source|a|active|normal|-|-|0|0|4 of 9 rows confirmed, 5 not (would end now)|0|confirming|-|4|9\n")
	f.registry.Source("a").ConfirmedRows().SetEnding("hr.room", 1, 5)
	f.expect("list status", "data_source|a|active|normal|-|-|0|0|ending rows: 1 of 5, hr.room|0|ending|hr.room|1|5\n")
}
