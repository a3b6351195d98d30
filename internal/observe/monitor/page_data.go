package monitor

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"
)

// PageData is what the page shows from the database, beyond what the streams tell.
// It has no values of rows: the words of a rejected event's reason may quote
// some, so that they are not in it either.
type PageData struct {
	Tables   []Table    `json:"tables"`
	Rejected []Rejected `json:"rejected"`
	// Bytes is the size of the database on disk.
	Bytes int64 `json:"bytes"`
	// Trouble says why all this is old, empty if it is not.
	Trouble string `json:"trouble,omitempty"`
}

// ErrNotNow says that the detail can't be had at the moment, and that nothing is
// wrong: somebody has locked a table.
var ErrNotNow = errors.New("ask again later")

// Table is one table. Counts of rows are PostgreSQL's estimates.
type Table struct {
	Name   string `json:"name"`
	Source string `json:"source"`
	// From names the table that this one is transformed from, if any.
	From    string `json:"from,omitempty"`
	Current int64  `json:"current"`
	History int64  `json:"history"`
	// Bytes are those of the rows of both, with indexes.
	Bytes int64 `json:"bytes"`
	// Changed is the source's time of the last change known, nil if none is.
	Changed *time.Time `json:"changed"`
}

// Rejected are the events of a source that are set aside, with the latest few.
type Rejected struct {
	Source string           `json:"source"`
	Kinds  []RejectedKind   `json:"kinds"`
	Latest []RejectedLatest `json:"latest"`
}

// RejectedKind counts events that are set aside for one kind of reason, as
// change.RejectKind names it; empty where that is not known.
type RejectedKind struct {
	Kind  string `json:"kind"`
	Count int64  `json:"count"`
}

// RejectedLatest says where an event is that was set aside.
type RejectedLatest struct {
	Time      time.Time `json:"time"`
	Topic     string    `json:"topic"`
	Partition int32     `json:"partition"`
	Offset    int64     `json:"offset"`
	Table     string    `json:"table"`
	Kind      string    `json:"kind"`
}

// Bounds on what the database is asked while somebody looks: at most once in ten
// seconds, and where it takes long (many rejected events) at most a hundredth of
// the time.
const (
	pageDataInterval = 10 * time.Second
	pageDataShare    = 100
	pageDataTimeout  = 20 * time.Second
	maxPageDataPause = 10 * time.Minute
)

// pageDataCache keeps the last detail, for all viewers.
type pageDataCache struct {
	load func(ctx context.Context) (PageData, error)

	mu   sync.Mutex
	last PageData
	data []byte
	// again is when it is asked again.
	again time.Time
}

func newPageDataCache(ask func(ctx context.Context) (PageData, error)) *pageDataCache {
	return &pageDataCache{load: ask, last: PageData{Tables: []Table{}, Rejected: []Rejected{}}}
}

// cachedJSON returns the detail as JSON, nil if there is none yet. It asks where what it
// has is too old, and keeps that with the trouble where nobody answers.
func (d *pageDataCache) cachedJSON(ctx context.Context) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	began := time.Now()
	if d.load == nil || began.Before(d.again) {
		return d.data
	}
	ctx, cancel := context.WithTimeout(ctx, pageDataTimeout)
	defer cancel()
	detail, err := d.load(ctx)
	d.again = began.Add(pauseAfter(time.Since(began)))
	switch {
	case err == nil:
		d.last = detail
	case errors.Is(err, ErrNotNow) || errors.Is(err, context.Canceled): // the viewer has gone
		return d.data
	default:
		d.last.Trouble = err.Error()
	}
	if data, err := json.Marshal(d.last); err == nil {
		d.data = data
	}
	return d.data
}

// pauseAfter is how long after a question that took so long the next may follow.
func pauseAfter(took time.Duration) time.Duration {
	return min(max(pageDataInterval, took*pageDataShare), maxPageDataPause)
}

// sendChanges hands over the detail when it changes, until ctx ends.
func (d *pageDataCache) sendChanges(ctx context.Context, changed chan<- []byte) {
	ticker := time.NewTicker(pageDataInterval)
	defer ticker.Stop()
	for last := ""; ; {
		if data := d.cachedJSON(ctx); data != nil && string(data) != last {
			last = string(data)
			select {
			case changed <- data:
			case <-ctx.Done():
				return
			}
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}
