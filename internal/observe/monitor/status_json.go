package monitor

import (
	"encoding/json"
	"net/http"
	"time"

	"metadb/internal/observe/status"
)

// statusJSON answers with the state of every source as JSON: the values of "list status", by the
// names of its columns, and that of the periodic jobs. It needs no query of the database.
type statusJSON struct{ sources *status.Registry }

// statusAnswer is the answer of /status.
type statusAnswer struct {
	Time    time.Time     `json:"time"`
	Sources []status.Line `json:"sources"`
	Jobs    []status.Job  `json:"jobs"`
}

func (s *statusJSON) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	answer := statusAnswer{Time: time.Now().UTC(), Sources: []status.Line{}, Jobs: s.sources.Jobs()}
	for _, r := range s.sources.Reports() {
		answer.Sources = append(answer.Sources, r.Line())
	}
	body, err := json.Marshal(answer)
	if err != nil {
		writeText(w, http.StatusInternalServerError, err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(append(body, '\n'))
}
