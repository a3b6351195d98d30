package wire_test

import (
	"strings"
	"testing"
)

// TestPsql runs typical input of administrators.
func TestPsql(t *testing.T) {
	t.Parallel()
	p := open(t, nil)
	tests := []struct{ input, want string }{
		{
			"list status;",
			"data_source|sensor|active|normal|7|2026-11-22 06:01:54.12+00|12|0||0||||\n",
		},
		{
			"create data source sensor type kafka options (brokers 'b:1', security 'plaintext', topics '^a', consumer_group 'g');",
			"CREATE DATA SOURCE\n",
		},
		{
			"create data source sensor type kafka options (brokers 'b:1', topics '^a', consumer_group 'g2');",
			"ERROR:  data source \"sensor\" already exists\nLINE 1: create data source sensor type kafka options (brokers 'b:1',...\n" +
				"                           ^\n",
		},
		{
			"create data source x type kafka options (broker 'b:1');",
			"ERROR:  invalid option \"broker\"\nLINE 1: create data source x type kafka options (broker 'b:1');\n" +
				"                                                 ^\nHINT:  did you mean \"brokers\"? valid options are: brokers, security, topics, " +
				"consumer_group, schema_pass_filter, schema_stop_filter, table_stop_filter, trim_schema_prefix, add_schema_prefix, " +
				"map_public_schema, module, sasl_mechanism, sasl_username, sasl_password, unavailable_value_placeholder, ssl_ca_file, " +
				"ssl_cert_file, ssl_key_file, rejected_limit, silence_warning, heartbeat_topic, heartbeat_table, null_means_unchanged, sasl_password_file, sasl_password_env\n",
		},
		{
			"alter data source sensor options (set topics '^b\\.', drop security, add sasl_password 's');",
			"NOTICE:  the server must be restarted for the change to take effect\nHINT:  a restart alone reads the snapshot of new topics outside of a synchronization, and ends no row that is gone at the source: run \"metadb sync\" before it, or, without a restart: sync data source sensor;\nALTER DATA SOURCE\n",
		},
		{
			"select count(*) from metadb.source; list data_sources; select 1 as a;",
			"1\nsensor|b:1|ssl|^b\\.|g||||||||t|||||||||||||\n1\n",
		},
		{"drop data source nope;", "ERROR:  data source \"nope\" does not exist\nLINE 1: drop data source nope;\n                         ^\n"},
		{"drop data source sensor;", "NOTICE:  the tables of data source \"sensor\" are kept\nDROP DATA SOURCE\n"},
		{"create data origin \"East\";\nlist data_origins;", "CREATE DATA ORIGIN\nEast\n"},
		{"list config \\g |grep dead", "snapshot_deadline|3 hours\n"},
		{"alter system set snapshot_deadline = '-1 hour';", "ERROR:  invalid value for parameter \"snapshot_deadline\": \"-1 hour\"\nLINE 1: alter system set snapshot_deadline = '-1 hour';\n                                             ^\nHINT:  it is an interval above zero, such as '3 hours'\n"},
		{"alter system set snapshot_deadline = '1 hour';", "NOTICE:  the server must be restarted for the change to take effect\nALTER SYSTEM\n"},
		{"begin; list status;", "BEGIN\nERROR:  commands of Metadb can't run inside a transaction block: list status\nHINT:  commit or roll back first, or turn autocommit on\n"},
		{"begin;\nlist status;\nselect 1;\ncommit;", "BEGIN\nERROR:  commands of Metadb can't run inside a transaction block: list status\nHINT:  commit or roll back first, or turn autocommit on\nERROR:  current transaction is aborted, commands ignored until end of transaction block\nROLLBACK\n"},
		{"select 1/0; list status;", "ERROR:  division by zero\ndata_source|sensor|active|normal|7|2026-11-22 06:01:54.12+00|12|0||0||||\n"},
		{"refresh inferred column types;", "ERROR:  not in this version: refresh inferred column types\n"},
		{"create table t (a int, b text);\ncopy t from stdin;\n1\tx\n2\t\\N\n\\.\ncopy t to stdout;", "CREATE TABLE\nCOPY 2\n1\tx\n2\t\\N\n"},
		{"\\dt t", "public|t|table|mdbadmin\n"},
		{"\\d t", "a|integer|||\nb|text|||\n"},
		{"select mdbversion() is not null;", "t\n"},
		{"do $$ begin raise notice 'hello' using hint = 'h'; end $$;", "NOTICE:  hello\nHINT:  h\nDO\n"},
		{"select session_user;", "mdbadmin\n"},
		{"help list;", "list blockers|show who holds the locks that waiting tables need|list blockers\nlist config|show the configuration parameters|list config\n"},
	}
	for _, test := range tests {
		got := p.psql(test.input, "-U", "whoever", "-A", "-t", "-P", "format=unaligned")
		if !strings.HasPrefix(got, test.want) {
			t.Errorf("%s\n got %q\nwant %q", test.input, got, test.want)
		}
	}
}

// TestOneQueryString sends several statements in one message, with psql -c.
func TestOneQueryString(t *testing.T) {
	t.Parallel()
	p := open(t, nil)
	tests := []struct{ query, want string }{
		{"select 1; list config; select 2", "1\n"},
		{"select 1; list statsu", "ERROR:  syntax error at or near \"statsu\"\nLINE 1: select 1; list statsu\n                       ^\nHINT:  did you mean \"status\"?\n"},
		{
			"list data_origins; selec 2",
			"ERROR:  syntax error at or near \"selec\"\nLINE 1: list data_origins; selec 2\n                           ^\n",
		},
		{"copy metadb.origin from stdin; list config", "ERROR:  COPY from stdin failed: COPY FROM STDIN can't be in one query string with a command of Metadb\n"},
		{"begin; list config", "BEGIN\nERROR:  commands of Metadb can't run inside a transaction block: list config\n"},
		{";", ""},
	}
	for _, test := range tests {
		got := p.psql("", "-A", "-t", "-c", test.query)
		if !strings.HasPrefix(got, test.want) {
			t.Errorf("%s\n got %q\nwant %q", test.query, got, test.want)
		}
	}
}
