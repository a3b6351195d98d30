package dbsession

// Setting is a parameter of PostgreSQL with its value in a session.
// https://www.postgresql.org/docs/current/runtime-config.html
type Setting struct{ Name, Value string }

// Profile is the purpose of a session.
type Profile int

const (
	// Command is the profile for commands, queries and everything that runs once.
	Command Profile = iota
	// Stream is the profile for applying batches.
	Stream
)

// Settings returns the settings of a session in the order in which they are set: a later one
// replaces an earlier one of the same name.
func (p Profile) Settings() []Setting {
	settings := append([]Setting(nil), commonSettings...)
	if p == Stream {
		settings = append(settings, streamSettings...)
	}
	return settings
}

// openingSettings are the timeouts that could end a session before its first statement is done.
// They are part of the request to connect.
var openingSettings = []Setting{
	{"statement_timeout", "0"},
	{"lock_timeout", "0"},
	{"idle_in_transaction_session_timeout", "0"},
	{"idle_session_timeout", "0"},
}

// transactionTimeout is another such timeout, which PostgreSQL has since version
// transactionTimeoutSince.
var transactionTimeout = Setting{"transaction_timeout", "0"}

const transactionTimeoutSince = 17

// commonSettings are the settings of every session.
var commonSettings = []Setting{
	// Names in statements are qualified, and operators are PostgreSQL's own.
	{"search_path", "pg_catalog"},

	// Lifetime of a session and its statements. Packages that wait for locks set a lock_timeout of
	// their own.
	{"statement_timeout", "0"},
	{"lock_timeout", "0"},
	{"idle_in_transaction_session_timeout", "0"},
	{"idle_session_timeout", "0"},
	transactionTimeout,
	{"deadlock_timeout", "1s"},
	{"exit_on_error", "off"},

	// A server of Metadb that vanishes without closing its connections must not keep the lock that its
	// successor needs, and the statement of a killed client must not run to its end.
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

	// Text format of values.
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

	// Parsing of statements, and names in results.
	{"standard_conforming_strings", "on"},
	{"backslash_quote", "safe_encoding"},
	{"escape_string_warning", "on"},
	{"transform_null_equals", "off"},
	{"quote_all_identifiers", "off"},
	{"check_function_bodies", "on"},

	// Visible rows and objects, and side effects of statements.
	{"row_security", "on"},
	{"restrict_nonsystem_relation_kind", ""},
	{"session_replication_role", "origin"},
	{"event_triggers", "on"},
	{"createrole_self_grant", ""},
	{"password_encryption", "scram-sha-256"},
	{"gin_fuzzy_search_limit", "0"},
	{"stats_fetch_consistency", "cache"},

	// Storage of tables. Partitions are in the tablespace of their table. Long values keep the
	// compression that they get in a temporary table, so it has to be that of the target.
	{"default_table_access_method", "heap"},
	{"default_tablespace", ""},
	{"temp_tablespaces", ""},
	{"default_toast_compression", "lz4"},

	// Plans: each kind of node is allowed as by default, and planning never takes seconds.
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

	// A pooler may pass a session of any kind on: the parameter can't be changed once a session has
	// used a temporary table.
	{"temp_buffers", "32MB"},

	// ANALYZE.
	{"vacuum_cost_delay", "0"},
	{"default_statistics_target", "100"},

	// Output to PostgreSQL's log and to the client. Parameters can be passwords.
	{"client_min_messages", "warning"},
	{"log_parameter_max_length_on_error", "0"},
	{"debug_print_parse", "off"},
	{"debug_print_rewritten", "off"},
	{"debug_print_plan", "off"},
	{"trace_notify", "off"},
	{"trace_sort", "off"},
}

// settingSince and settingUntil have the first and the last major version with a setting, where
// these are not OldestVersion and newestKnownVersion.
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
	// restrictedSettings are the settings that only superusers and roles with a privilege on them
	// may set.
	restrictedSettings = []string{"deadlock_timeout", "event_triggers", "session_replication_role"}
	// uncertainSettings are settings that came with a minor version, or depend on how PostgreSQL
	// was built.
	uncertainSettings = []string{"restrict_nonsystem_relation_kind", "trace_sort"}
)

// streamSettings keep the plans of applying stable: the temporary tables have no statistics, and
// the tables that they are joined with grow from nothing, so that a plan other than an index scan
// is soon outdated. A commit does not wait for the disk: if PostgreSQL crashes positions and rows
// are lost together, and are read again.
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
