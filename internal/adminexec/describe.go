package adminexec

import (
	"github.com/jackc/pgx/v5/pgtype"

	"metadb/internal/adminlang"
	"metadb/internal/datasource"
)

// Describe returns the columns of a command's result, nil if it returns no
// rows.
func Describe(command adminlang.Command) []Column {
	switch c := command.(type) {
	case adminlang.Help:
		return texts("command", "purpose", "syntax")
	case adminlang.List:
		return describeList(c.What.Text)
	case adminlang.Sync:
		return describeSync(c)
	}
	return nil
}

func describeList(what string) []Column {
	switch what {
	case "config":
		return texts("parameter", "value")
	case "data_mappings":
		return texts("mapping_type", "table_name", "column_name", "object_path", "target_identifier")
	case "data_origins":
		return texts("name")
	case "data_sources":
		var names []string
		for _, key := range datasource.Names() {
			if !datasource.Secret(key) {
				names = append(names, key)
			}
		}
		return append([]Column{{Name: "name", OID: pgtype.TextOID}, {Name: "enable", OID: pgtype.BoolOID}}, texts(names...)...)
	case "status":
		return append(texts("type", "name", "source_stream", "source_sync"),
			Column{Name: "lag", OID: pgtype.Int8OID},
			Column{Name: "last_event_time", OID: pgtype.TimestamptzOID},
			Column{Name: "events", OID: pgtype.Int8OID},
			Column{Name: "rejected", OID: pgtype.Int8OID},
			Column{Name: "message", OID: pgtype.TextOID})
	}
	return nil
}
