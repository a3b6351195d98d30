package dbsession

// Setting is a parameter of PostgreSQL and the value that it has in a session.
// https://www.postgresql.org/docs/current/runtime-config.html
type Setting struct{ Name, Value string }

// Profile says what a session is for.
type Profile int

const (
	// Command is for commands, questions and everything that happens once.
	Command Profile = iota
	// Stream is for applying batches.
	Stream
)

// Settings returns the settings of a session in the order in which they are set: a later
// one replaces an earlier one of the same name.
func (p Profile) Settings() []Setting {
	settings := append([]Setting(nil), commonSettings...)
	if p == Stream {
		settings = append(settings, streamSettings...)
	}
	return settings
}

// openingSettings are the timeouts that could end a session before its first statement is
// through. They are given with the request to connect.
var openingSettings = []Setting{
	{"statement_timeout", "0"},
	{"lock_timeout", "0"},
	{"idle_in_transaction_session_timeout", "0"},
	{"idle_session_timeout", "0"},
}

// transactionTimeout is another one, which no earlier version takes than
// transactionTimeoutSince.
var transactionTimeout = Setting{"transaction_timeout", "0"}

const transactionTimeoutSince = 17

// commonSettings are the settings of every session.
var commonSettings = []Setting{
	// Names in statements are qualified, and operators are PostgreSQL's own.
	{"search_path", "pg_catalog"},

	// How long a session and its statements may live. Packages that wait for locks
	// set a lock_timeout of their own.
	{"statement_timeout", "0"},
	{"lock_timeout", "0"},
	{"idle_in_transaction_session_timeout", "0"},
	{"idle_session_timeout", "0"},
	transactionTimeout,
	{"deadlock_timeout", "1s"},
	{"exit_on_error", "off"},

	// A server that vanishes without closing its connections must not hold the lock that its
	// successor needs, nor must a statement whose client was killed go on to its end.
	{"tcp_keepalives_idle", "10"},
	{"tcp_keepalives_interval", "5"},
	{"tcp_keepalives_count", "3"},
	{"tcp_user_timeout", "0"},
	{"client_connection_check_interval", "2s"},

	// Transactions.
	{"default_transaction_isolation", "read committed"},
	{"default_transaction_deferrable", "off"},
	{"default_transaction_read_only", "off"},
	{"synchronous_commit", "on"},

	// How values are written and read as text.
	{"client_encoding", "UTF8"},
	{"timezone", "UTC"},
	{"timezone_abbreviations", "Default"},
	{"datestyle", "ISO, MDY"},
	{"intervalstyle", "postgres"},
	{"bytea_output", "hex"},
	{"extra_float_digits", "1"},
	{"xmlbinary", "base64"},
	{"xmloption", "content"},
	{"array_nulls", "on"},
	{"lc_monetary", "C"},
	{"lc_numeric", "C"},
	{"lc_time", "C"},
	{"default_text_search_config", "pg_catalog.simple"},

	// How statements are read, and names are written.
	{"standard_conforming_strings", "on"},
	{"backslash_quote", "safe_encoding"},
	{"escape_string_warning", "on"},
	{"transform_null_equals", "off"},
	{"quote_all_identifiers", "off"},
	{"check_function_bodies", "on"},

	// Which rows and objects are seen, and what fires beside a statement.
	{"row_security", "on"},
	{"restrict_nonsystem_relation_kind", ""},
	{"session_replication_role", "origin"},
	{"event_triggers", "on"},
	{"createrole_self_grant", ""},
	{"password_encryption", "scram-sha-256"},
	{"gin_fuzzy_search_limit", "0"},
	{"stats_fetch_consistency", "cache"},

	// Where and how tables are stored. Partitions go where their table is. Long values keep
	// the compression that they get in a temporary table, which has to be the target's.
	{"default_table_access_method", "heap"},
	{"default_tablespace", ""},
	{"temp_tablespaces", ""},
	{"default_toast_compression", "lz4"},

	// Plans: each kind of node is allowed as it is by default, and none takes seconds to
	// make.
	{"enable_async_append", "on"},
	{"enable_bitmapscan", "on"},
	{"enable_distinct_reordering", "on"},
	{"enable_gathermerge", "on"},
	{"enable_group_by_reordering", "on"},
	{"enable_hashagg", "on"},
	{"enable_hashjoin", "on"},
	{"enable_incremental_sort", "on"},
	{"enable_indexonlyscan", "on"},
	{"enable_indexscan", "on"},
	{"enable_material", "on"},
	{"enable_memoize", "on"},
	{"enable_mergejoin", "on"},
	{"enable_nestloop", "on"},
	{"enable_parallel_append", "on"},
	{"enable_parallel_hash", "on"},
	{"enable_partition_pruning", "on"},
	{"enable_partitionwise_aggregate", "off"},
	{"enable_partitionwise_join", "off"},
	{"enable_presorted_aggregate", "on"},
	{"enable_self_join_elimination", "on"},
	{"enable_seqscan", "on"},
	{"enable_sort", "on"},
	{"enable_tidscan", "on"},
	{"plan_cache_mode", "auto"},
	{"constraint_exclusion", "partition"},
	{"force_parallel_mode", "off"},
	{"debug_parallel_query", "off"},
	{"from_collapse_limit", "8"},
	{"join_collapse_limit", "8"},
	{"geqo", "off"},
	{"jit", "off"},

	// A pooler may hand a session of any kind on: this can't be changed any more once a
	// session has had a temporary table.
	{"temp_buffers", "32MB"},

	// ANALYZE.
	{"vacuum_cost_delay", "0"},
	{"default_statistics_target", "100"},

	// What PostgreSQL's log and the client get to see. Parameters can be passwords.
	{"client_min_messages", "warning"},
	{"log_parameter_max_length_on_error", "0"},
	{"debug_print_parse", "off"},
	{"debug_print_rewritten", "off"},
	{"debug_print_plan", "off"},
	{"trace_notify", "off"},
	{"trace_sort", "off"},
}

// settingSince and until have the major versions that were the first and the last to have a
// setting, where that is not all from OldestVersion to newestKnownVersion.
var (
	settingSince = map[string]int{
		"createrole_self_grant":        16,
		"debug_parallel_query":         16,
		"enable_distinct_reordering":   18,
		"enable_group_by_reordering":   17,
		"enable_presorted_aggregate":   16,
		"enable_self_join_elimination": 18,
		"event_triggers":               17,
		"transaction_timeout":          transactionTimeoutSince,
	}
	settingUntil = map[string]int{"force_parallel_mode": 15}
)

var (
	// restrictedSettings are the settings that only a superuser may set, and who has been granted
	// it.
	restrictedSettings = []string{"deadlock_timeout", "event_triggers", "session_replication_role"}
	// uncertainSettings are those that came with a minor version, or depend on how PostgreSQL was
	// built.
	uncertainSettings = []string{"restrict_nonsystem_relation_kind", "trace_sort"}
)

// streamSettings is what keeps the plans of applying stable: the temporary tables have no
// statistics, and the tables that they are joined with grow from nothing, so that
// anything but an index scan is a plan that was right an hour ago. A commit need not wait for the
// disk: positions and rows are lost together if PostgreSQL crashes, and are read again.
var streamSettings = []Setting{
	{"application_name", "metadb stream"},
	{"lock_timeout", "2s"},
	{"synchronous_commit", "off"},
	{"max_parallel_workers_per_gather", "0"},
	{"work_mem", "32MB"},
	{"hash_mem_multiplier", "2"},
	{"seq_page_cost", "100"},
	{"random_page_cost", "1"},
	{"cpu_tuple_cost", "0.01"},
	{"cpu_index_tuple_cost", "0.005"},
	{"cpu_operator_cost", "0.0025"},
	{"effective_cache_size", "4GB"},
	{"cursor_tuple_fraction", "0.1"},
	{"enable_hashjoin", "off"},
	{"enable_mergejoin", "off"},
}
