package monitor

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"
)

// PageData is the database's part of the page. It contains no values of rows, and no reasons of
// rejected events, which may quote values.
type PageData struct {
	Tables   []Table    `json:"tables"`
	Rejected []Rejected `json:"rejected"`
	// Bytes is the size of the database on disk.
	Bytes int64 `json:"bytes"`
	// Trouble is the error that prevented a refresh of the data, empty without one.
	Trouble string `json:"trouble,omitempty"`
}

// ErrNotNow means that the data can't be read at the moment because another session has locked a
// table, which is not a fault.
var ErrNotNow = errors.New("ask again later")

// Table is one table. The numbers of rows are PostgreSQL's estimates.
type Table struct {
	Name   string `json:"name"`
	Source string `json:"source"`
	// From is the table that this one is transformed from, empty if it is not a transformed table.
	From    string `json:"from,omitempty"`
	Current int64  `json:"current"`
	History int64  `json:"history"`
	// Bytes is the size of the current and the history rows, with indexes.
	Bytes int64 `json:"bytes"`
	// Changed is the source's time of the last known change, nil if it is unknown.
	Changed *time.Time `json:"changed"`
}

// Rejected are the rejected events of a source, with the latest ones.
type Rejected struct {
	Source string           `json:"source"`
	Kinds  []RejectedKind   `json:"kinds"`
	Latest []RejectedLatest `json:"latest"`
}

// RejectedKind counts the rejected events of one change.RejectKind; Kind is empty if it is unknown.
type RejectedKind struct {
	Kind  string `json:"kind"`
	Count int64  `json:"count"`
}

// RejectedLatest is the position of a rejected event.
type RejectedLatest struct {
	Time      time.Time `json:"time"`
	Topic     string    `json:"topic"`
	Partition int32     `json:"partition"`
	Offset    int64     `json:"offset"`
	Table     string    `json:"table"`
	Kind      string    `json:"kind"`
}

// These are the bounds on queries for the page: at most one in ten seconds, and slow ones (many
// rejected events) take at most a hundredth of the time.
const (
	pageDataInterval = 10 * time.Second
	pageDataShare    = 100
	pageDataTimeout  = 20 * time.Second
	maxPageDataPause = 10 * time.Minute
)

// pageDataCache caches the last page data for all viewers.
type pageDataCache struct {
	load func(ctx context.Context) (PageData, error)

	mu   sync.Mutex
	last PageData
	data []byte
	// again is the time of the next query.
	again time.Time
}

func newPageDataCache(ask func(ctx context.Context) (PageData, error)) *pageDataCache {
	return &pageDataCache{load: ask, last: PageData{Tables: []Table{}, Rejected: []Rejected{}}}
}

// cachedJSON returns the page data as JSON, nil if there are no data yet. It queries the database
// if the cache is too old. If that fails, it returns the old data with the error in Trouble.
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
	case errors.Is(err, ErrNotNow) || errors.Is(err, context.Canceled): // the database has a lock, or the viewer has disconnected
		return d.data
	default:
		d.last.Trouble = err.Error()
	}
	if data, err := json.Marshal(d.last); err == nil {
		d.data = data
	}
	return d.data
}

// pauseAfter returns the least time between the beginnings of two queries if the first one took
// that long.
func pauseAfter(took time.Duration) time.Duration {
	return min(max(pageDataInterval, took*pageDataShare), maxPageDataPause)
}

// sendChanges sends the page data when they change, until ctx ends.
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
