package server

import (
	"context"
	"fmt"
	"maps"
	"time"

	"metadb/internal/change"
	"metadb/internal/observe/status"
	"metadb/internal/server/maintenance"
	"metadb/internal/target/catalog"
)

const (
	// faultsInterval is the time between two checks while a table has a fault. It bounds the
	// delay until a repaired table is used again.
	faultsInterval = 5 * time.Second
	// inspectInterval is the time between two checks of all tables while there is no fault. A
	// fault of a table with events is noticed at once.
	inspectInterval = time.Minute
)

// faultsJob returns the job that looks for tables that were changed or repaired by hand.
func (s *supervisor) faultsJob() maintenance.Job {
	w := &faultWatch{supervisor: s, logged: make(map[change.Table]catalog.Fault), inspected: time.Now()}
	return maintenance.Job{Name: "table_faults", Every: faultsInterval, Run: func(ctx context.Context, _ func(context.Context) error) error {
		w.check(ctx)
		return nil
	}}
}

// faultWatch looks for tables that were changed or repaired by hand.
type faultWatch struct {
	supervisor *supervisor
	// logged contains the faults in the log.
	logged map[change.Table]catalog.Fault
	// inspected is the time of the last check of all tables.
	inspected time.Time
}

// check reads the faults if they are due, and shows them. The database may be unreachable meanwhile:
// a failure is retried by the next run.
func (w *faultWatch) check(ctx context.Context) {
	s := w.supervisor
	// The names are read while the lock table has room; after a failure the old ones stay.
	_ = s.roles.loadNames(ctx, s.pool)
	if known := s.tables.tableFaults(); len(known) > 0 || time.Since(w.inspected) >= inspectInterval {
		w.inspected = time.Now()
		found, err := catalog.Faults(ctx, s.pool)
		if err == nil && !maps.EqualFunc(found, known, func(a, b *catalog.Fault) bool { return *a == *b }) {
			_ = s.tables.reloadCatalog(ctx, s.pool)
		}
	}
	known := s.tables.tableFaults()
	w.logFaults(known)
	s.showFaults(known)
}

// tableFaults returns the tables that can't be used, with their faults.
func (t *sharedCatalog) tableFaults() map[change.Table]*catalog.Fault {
	found := make(map[change.Table]*catalog.Fault)
	for table := range t.store.Snapshot().All() {
		if table.Fault != nil {
			found[table.Name] = table.Fault
		}
	}
	return found
}

// logFaults logs the tables that can't be used, and those that can be used again.
func (w *faultWatch) logFaults(known map[change.Table]*catalog.Fault) {
	for table, fault := range known {
		if w.logged[table] != *fault {
			w.logged[table] = *fault
			w.supervisor.logger.Warn(fmt.Sprintf("table %s can't be used, its events wait: %v", table, fault))
		}
	}
	for table := range w.logged {
		if known[table] == nil {
			delete(w.logged, table)
			w.supervisor.logger.Info(fmt.Sprintf("table %s can be used again", table))
		}
	}
}

// showFaults shows the tables that can't be used in list status.
func (s *supervisor) showFaults(known map[change.Table]*catalog.Fault) {
	bySource := make(map[string][]status.TableFault)
	if len(known) > 0 {
		for t := range s.tables.store.Snapshot().All() {
			if fault := known[t.Name]; fault != nil {
				bySource[t.Source] = append(bySource[t.Source], status.TableFault{Table: t.Name.String(), Problem: string(fault.Problem), Text: fault.Error()})
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, one := range s.running {
		one.state.SetFaults(bySource[name])
	}
}
