package command

import (
	"github.com/jackc/pgx/v5/pgtype"

	"metadb/internal/admin/lang"
	"metadb/internal/datasource"
)

// Describe returns the columns of a command's result, nil if it returns no
// rows.
func Describe(command lang.Command) []Column {
	switch c := command.(type) {
	case lang.Help:
		return textColumns("command", "purpose", "syntax")
	case lang.List:
		return describeList(c.What.Text)
	case lang.Sync:
		return describeSync(c)
	case lang.VerifyConsistency:
		return describeFindings()
	}
	return nil
}

func describeList(what string) []Column {
	switch what {
	case "blockers":
		return append(textColumns("data_source", "table_name"),
			Column{Name: "pid", OID: pgtype.Int8OID},
			Column{Name: "prepared_transaction", OID: pgtype.TextOID},
			Column{Name: "user_name", OID: pgtype.TextOID},
			Column{Name: "state", OID: pgtype.TextOID},
			Column{Name: "lock_mode", OID: pgtype.TextOID},
			Column{Name: "age_seconds", OID: pgtype.Float8OID})
	case "config":
		return textColumns("parameter", "value")
	case "data_mappings":
		return textColumns("mapping_type", "table_name", "column_name", "object_path", "target_identifier")
	case "data_origins":
		return textColumns("name")
	case "data_sources":
		return describeSources()
	case "status":
		return append(textColumns("type", "name", "source_stream", "source_sync"),
			Column{Name: "lag", OID: pgtype.Int8OID},
			Column{Name: "last_event_time", OID: pgtype.TimestamptzOID},
			Column{Name: "events", OID: pgtype.Int8OID},
			Column{Name: "rejected", OID: pgtype.Int8OID},
			Column{Name: "message", OID: pgtype.TextOID},
			Column{Name: "skipped", OID: pgtype.Int8OID})
	case "users":
		return []Column{
			{Name: "name", OID: pgtype.TextOID},
			{Name: "created", OID: pgtype.BoolOID},
			{Name: "access_all", OID: pgtype.BoolOID},
			{Name: "remedy", OID: pgtype.TextOID},
		}
	}
	return nil
}

// describeSources returns the columns of LIST DATA_SOURCES: the name and the options of Metadb 1.x,
// in its order, then enable and the other options.
func describeSources() []Column {
	columns := textColumns("name")
	for _, key := range datasource.Names() {
		if datasource.IsSecret(key) {
			continue
		}
		columns = append(columns, textColumns(key)...)
		if key == "module" {
			columns = append(columns, Column{Name: "enable", OID: pgtype.BoolOID})
		}
	}
	return columns
}
