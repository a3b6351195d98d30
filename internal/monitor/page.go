package monitor

import (
	"embed"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

//go:embed page
var pageFiles embed.FS

// policy lets the page load nothing but its own files, and nobody frame it.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Bounds on viewers.
const (
	viewInterval = 2 * time.Second
	viewersAtAll = 50
)

// file answers with one of the page's files.
func file(name, kind string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		body, err := pageFiles.ReadFile("page/" + name)
		if err != nil {
			answer(w, http.StatusInternalServerError, err.Error())
			return
		}
		header := w.Header()
		header.Set("Content-Type", kind)
		header.Set("Content-Security-Policy", policy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cache-Control", "no-cache")
		_, _ = w.Write(body)
	}
}

// events sends what there is to see every two seconds, as server-sent events,
// until the viewer goes away or the server stops.
type events struct {
	history *history
	// places has one entry for each viewer.
	places chan struct{}
}

func (e *events) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	select {
	case e.places <- struct{}{}:
		defer func() { <-e.places }()
	default:
		answer(w, http.StatusServiceUnavailable, "too many viewers")
		return
	}
	control := http.NewResponseController(w)
	// A viewer says nothing more; a request's time does not bound its stay.
	if err := control.SetReadDeadline(time.Time{}); err != nil {
		answer(w, http.StatusInternalServerError, err.Error())
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	ticker := time.NewTicker(viewInterval)
	defer ticker.Stop()
	for {
		if err := e.send(w, control); err != nil {
			return // the viewer has gone
		}
		select {
		case <-r.Context().Done():
			return
		case <-ticker.C:
		}
	}
}

// send sends one event.
func (e *events) send(w http.ResponseWriter, control *http.ResponseController) error {
	data, err := json.Marshal(e.history.look(time.Now()))
	if err != nil {
		return err
	}
	if err := control.SetWriteDeadline(time.Now().Add(requestTime)); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "data: %s\n\n", data); err != nil {
		return err
	}
	return control.Flush()
}
