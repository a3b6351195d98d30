package server

import (
	"context"
	"fmt"
	"maps"
	"time"

	"metadb/internal/change"
	"metadb/internal/observe/status"
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

// watchFaults looks for tables that were changed or repaired by hand, until ctx ends. The
// database may be unreachable meanwhile.
func (s *supervisor) watchFaults(ctx context.Context) error {
	tick := time.NewTicker(faultsInterval)
	defer tick.Stop()
	logged := make(map[change.Table]catalog.Fault)
	inspected := time.Now()
	for {
		// The names are read while the lock table has room; after a failure the old ones stay.
		_ = s.roles.loadNames(ctx, s.pool)
		known := s.tables.tableFaults()
		s.logFaults(logged, known)
		s.showFaults(known)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		if len(known) == 0 && time.Since(inspected) < inspectInterval {
			continue
		}
		inspected = time.Now()
		found, err := catalog.Faults(ctx, s.pool)
		if err != nil || maps.EqualFunc(found, known, func(a, b *catalog.Fault) bool { return *a == *b }) {
			continue
		}
		// A failure is retried at the next tick.
		_ = s.tables.reloadCatalog(ctx, s.pool)
	}
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
func (s *supervisor) logFaults(logged map[change.Table]catalog.Fault, known map[change.Table]*catalog.Fault) {
	for table, fault := range known {
		if logged[table] != *fault {
			logged[table] = *fault
			s.logger.Warn(fmt.Sprintf("table %s can't be used, its events wait: %v", table, fault))
		}
	}
	for table := range logged {
		if known[table] == nil {
			delete(logged, table)
			s.logger.Info(fmt.Sprintf("table %s can be used again", table))
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
