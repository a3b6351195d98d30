package route

import (
	"regexp"
	"slices"
	"strings"
	"sync/atomic"

	"metadb/internal/change"
)

// Config has the data source's options about names. Empty fields have no effect.
type Config struct {
	// SchemaPass keeps only schemas that match one of these, if there are any.
	SchemaPass []*regexp.Regexp
	// SchemaStop drops schemas that match.
	SchemaStop []*regexp.Regexp
	// TableStop drops tables if schema.table matches.
	TableStop []*regexp.Regexp

	// Heartbeat is the schema.table that the connector updates at each heartbeat. Its
	// events are dropped.
	Heartbeat string

	MapPublicSchema  string
	TrimSchemaPrefix string
	AddSchemaPrefix  string
}

// Router gives events their target tables. Route must be called by one goroutine
// at a time; origins may be replaced by another meanwhile.
type Router struct {
	config Config
	names  atomic.Pointer[names]
}

// names has the results of routing with one list of origins.
type names struct {
	origins []string
	// targets caches the targets of the source tables so far. Only Route uses it.
	targets map[change.Table]target
}

// target is the target of a source table's events.
type target struct {
	table   change.Table
	origin  change.Origin
	dropped bool
}

// New returns a router without origins.
func New(config Config) *Router {
	r := &Router{config: config}
	r.SetOrigins(nil)
	return r
}

// SetOrigins replaces the list of origins. It takes effect with the next event, and
// may be called by any goroutine.
func (r *Router) SetOrigins(origins []string) {
	sorted := slices.Clone(origins)
	// The longest match wins.
	slices.SortFunc(sorted, func(a, b string) int { return len(b) - len(a) })
	r.names.Store(&names{origins: sorted, targets: make(map[change.Table]target)})
}

// Route sets the target table and the origin of an event of a table, or drops the
// event if a filter excludes it. The snapshot mark of a dropped event stays, since
// its row may be the last one of the snapshot.
func (r *Router) Route(e *change.Event) {
	if e.Source == (change.Table{}) {
		return
	}
	n := r.names.Load()
	to, known := n.targets[e.Source]
	if !known {
		to = r.target(e.Source, n.origins)
		n.targets[e.Source] = to
	}
	if to.dropped {
		e.Drop()
		return
	}
	e.Table, e.Origin = to.table, to.origin
}

// target computes the target of a source table.
func (r *Router) target(table change.Table, origins []string) target {
	if r.dropped(table) {
		return target{dropped: true}
	}
	schema, origin := r.schema(table.Schema, origins)
	return target{table: change.Table{Schema: schema, Name: table.Name}, origin: change.Origin(origin)}
}

// dropped reports whether the filters exclude a table, by its name at the source, or it
// is the table of heartbeats.
func (r *Router) dropped(table change.Table) bool {
	c := &r.config
	return len(c.SchemaPass) > 0 && !matches(c.SchemaPass, table.Schema) ||
		matches(c.SchemaStop, table.Schema) ||
		c.Heartbeat != "" && c.Heartbeat == table.String() ||
		len(c.TableStop) > 0 && matches(c.TableStop, table.String())
}

func matches(expressions []*regexp.Regexp, name string) bool {
	return slices.ContainsFunc(expressions, func(e *regexp.Regexp) bool { return e.MatchString(name) })
}

// schema renames a schema of the source by the steps of docs/spec/03-naming-and-filters.md#target-schema.
func (r *Router) schema(schema string, origins []string) (renamed, origin string) {
	c := &r.config
	if schema == "public" && c.MapPublicSchema != "" {
		return c.MapPublicSchema, ""
	}
	schema = strings.TrimPrefix(schema, c.TrimSchemaPrefix)
	schema = strings.TrimPrefix(schema, "mod_")
	schema = strings.TrimSuffix(schema, "_storage")
	schema = strings.Replace(schema, "_mod_", "_", 1)
	for _, name := range origins {
		if rest, ok := strings.CutPrefix(schema, name+"_"); ok {
			schema, origin = rest, name
			break
		}
	}
	return c.AddSchemaPrefix + schema, origin
}
