package status

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"metadb/internal/change"
)

// Registry contains the state of every source. It is safe for concurrent use. The zero Registry is
// ready.
type Registry struct {
	mu      sync.Mutex
	sources map[string]*Source
	// away is the error that makes the database unreachable, since the time of its first report;
	// away is empty if the database is reachable.
	away  string
	since time.Time
	// columns is the function of SetColumns, nil before that.
	columns func() map[string]Columns
	// jobs is the function of SetJobs, nil before that.
	jobs func() []Job
}

// SetAway sets the error that makes the database unreachable, nil if it is reachable. An idle
// stream would not notice that itself.
func (r *Registry) SetAway(why error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case why == nil:
		r.away = ""
	case r.away == "":
		r.since = time.Now()
		fallthrough
	default:
		r.away = why.Error()
	}
}

// Source returns the state of a source. A new one is inactive.
func (r *Registry) Source(name string) *Source {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sources == nil {
		r.sources = make(map[string]*Source)
	}
	s, ok := r.sources[name]
	if !ok {
		s = newSource(name, time.Now)
		r.sources[name] = s
	}
	return s
}

// Remove removes a source that was dropped.
func (r *Registry) Remove(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.sources, name)
}

// Reports returns the present state of every source, ordered by name.
func (r *Registry) Reports() []Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	reports := make([]Report, 0, len(r.sources))
	var columns map[string]Columns
	if r.columns != nil {
		columns = r.columns()
	}
	for _, s := range r.sources {
		report := s.Report()
		report.Columns = columns[report.Name].plainTexts()
		if r.away != "" && report.Stream != Error && report.Stream != Inactive {
			report.Stream, report.Message, report.Since = Error, change.PlainText(r.away), r.since
		}
		reports = append(reports, report)
	}
	slices.SortFunc(reports, func(a, b Report) int { return cmp.Compare(a.Name, b.Name) })
	return reports
}
