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
	routes atomic.Pointer[originRoutes]
}

// originRoutes has the results of routing with one list of origins.
type originRoutes struct {
	origins []string
	// destinations caches the targets of the source tables so far. Only Route uses it.
	destinations map[change.Table]destination
}

// destination is the target of a source table's events.
type destination struct {
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
	r.routes.Store(&originRoutes{origins: sorted, destinations: make(map[change.Table]destination)})
}

// Route sets the target table and the origin of an event of a table, or drops the
// event if a filter excludes it. The snapshot mark of a dropped event stays, since
// its row may be the last one of the snapshot.
func (r *Router) Route(e *change.Event) {
	if e.Source == (change.Table{}) {
		return
	}
	n := r.routes.Load()
	to, known := n.destinations[e.Source]
	if !known {
		to = r.routeTable(e.Source, n.origins)
		n.destinations[e.Source] = to
	}
	if to.dropped {
		e.Drop()
		return
	}
	e.Table, e.Origin = to.table, to.origin
}

// routeTable computes the target of a source table.
func (r *Router) routeTable(table change.Table, origins []string) destination {
	if r.isDropped(table) {
		return destination{dropped: true}
	}
	schema, origin := r.renameSchema(table.Schema, origins)
	return destination{table: change.Table{Schema: schema, Name: table.Name}, origin: change.Origin(origin)}
}

// isDropped reports whether the filters exclude a table, by its name at the source, or it
// is the table of heartbeats.
func (r *Router) isDropped(table change.Table) bool {
	c := &r.config
	return len(c.SchemaPass) > 0 && !matchesAny(c.SchemaPass, table.Schema) ||
		matchesAny(c.SchemaStop, table.Schema) ||
		c.Heartbeat != "" && c.Heartbeat == table.String() ||
		len(c.TableStop) > 0 && matchesAny(c.TableStop, table.String())
}

func matchesAny(expressions []*regexp.Regexp, name string) bool {
	return slices.ContainsFunc(expressions, func(e *regexp.Regexp) bool { return e.MatchString(name) })
}

// renameSchema renames a schema of the source by the steps of docs/spec/03-naming-and-filters.md#target-schema.
func (r *Router) renameSchema(schema string, origins []string) (renamed, origin string) {
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
