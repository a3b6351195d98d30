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

// Bounds on viewers.
const (
	viewInterval = 2 * time.Second
	// maxViewers may look at one time, of them so many from an address, and from this machine.
	maxViewers          = 50
	maxViewersOfAddress = 10
	maxViewersOfMachine = 40
)

// eventStream sends server-sent events until the viewer goes away or the server stops:
// "view" is how the sources are, every two seconds; "hour" their charts, every ten;
// "detail" what the database says of tables and rejected events, when it changes.
type eventStream struct {
	history *rateHistory
	details *pageDataCache
	// places are those of viewers. A newcomer takes that of whoever came first of its address.
	places   *admission.Places
	refusals *admission.Digest
}

func (e *eventStream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// Another site's page can't read the answer, but could take all places.
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
	// A viewer says nothing more; a request's time does not bound its stay.
	if err := control.SetReadDeadline(time.Time{}); err != nil {
		writeText(w, http.StatusInternalServerError, err.Error())
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	// The database may be slow: it is asked beside.
	detail := make(chan []byte)
	var asking sync.WaitGroup
	defer asking.Wait()
	defer cancel()
	asking.Go(func() { e.details.sendChanges(ctx, detail) })
	v := &eventViewer{eventStream: e, w: w, control: control, samples: -1}
	ticker := time.NewTicker(viewInterval)
	defer ticker.Stop()
	for err := v.sendView(); err == nil; { // an error is that the viewer has gone
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

// eventViewer is one who looks.
type eventViewer struct {
	*eventStream
	w       http.ResponseWriter
	control *http.ResponseController
	// samples is how much of the charts has been sent.
	samples int
}

// sendView sends how the sources are.
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

// sendValue sends a value.
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
