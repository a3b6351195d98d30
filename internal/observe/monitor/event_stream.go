package monitor

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"metadb/internal/admin/admission"
)

// These are the bounds on viewers.
const (
	viewInterval = 2 * time.Second
	// maxViewers limits the concurrent viewers, maxViewersOfAddress those of one address, and
	// maxViewersOfMachine those of this machine.
	maxViewers          = 50
	maxViewersOfAddress = 10
	maxViewersOfMachine = 40
)

// eventStream sends server-sent events until the viewer disconnects or the server stops: "view" has
// the states of the sources, every two seconds; "hour" their charts, every ten seconds; "detail"
// the database's data about tables and rejected events, when they change.
type eventStream struct {
	history *rateHistory
	details *pageDataCache
	// places are the viewers' places. A new viewer replaces the oldest one of its address if there
	// are too many.
	places   *admission.Places
	refusals *admission.Digest
}

func (e *eventStream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// A page of another site can't read the answer, but could use up all places.
	if site := r.Header.Get("Sec-Fetch-Site"); site == "cross-site" || site == "same-site" {
		writeText(w, http.StatusForbidden, "this is only for the page of this server")
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	addr := addressOf(r)
	place := e.places.Enter(addr, func() {
		e.refusals.Note(reasonViewers, admission.Host(addr), "a viewer at "+r.RemoteAddr+" has lost its place to another one")
		cancel()
	})
	defer place.Leave()
	control := http.NewResponseController(w)
	// A viewer sends no more bytes, and stays longer than the timeout of a request.
	if err := control.SetReadDeadline(time.Time{}); err != nil {
		writeText(w, http.StatusInternalServerError, err.Error())
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	// The database may be slow, so a separate goroutine queries it.
	detail := make(chan []byte)
	var asking sync.WaitGroup
	defer asking.Wait()
	defer cancel()
	asking.Go(func() { e.details.sendChanges(ctx, detail) })
	v := &eventViewer{eventStream: e, w: w, control: control, samples: -1}
	ticker := time.NewTicker(viewInterval)
	defer ticker.Stop()
	for err := v.sendView(); err == nil; { // an error means that the viewer has disconnected
		select {
		case <-ctx.Done():
			return
		case data := <-detail:
			err = v.sendEvent("detail", data)
		case <-ticker.C:
			err = v.sendView()
		}
	}
}

// eventViewer is the stream of one viewer.
type eventViewer struct {
	*eventStream
	w       http.ResponseWriter
	control *http.ResponseController
	// samples is the number of samples at the last "hour" event.
	samples int
}

// sendView sends the states of the sources, and their charts if there is a new sample.
func (v *eventViewer) sendView() error {
	if err := v.sendValue("view", v.history.currentView(time.Now())); err != nil {
		return err
	}
	hour, samples := v.history.seriesSince(v.samples)
	if v.samples = samples; hour == nil {
		return nil
	}
	return v.sendValue("hour", hour)
}

// sendValue sends a value as JSON.
func (v *eventViewer) sendValue(kind string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return v.sendEvent(kind, data)
}

// sendEvent sends one event.
func (v *eventViewer) sendEvent(kind string, data []byte) error {
	if err := v.control.SetWriteDeadline(time.Now().Add(requestTimeout)); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(v.w, "event: %s\ndata: %s\n\n", kind, data); err != nil {
		return err
	}
	return v.control.Flush()
}
