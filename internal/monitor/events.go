package monitor

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"metadb/internal/admission"
)

// Bounds on viewers.
const (
	viewInterval = 2 * time.Second
	// viewersAtAll may look at one time, of them so many from an address, and from this machine.
	viewersAtAll     = 50
	viewersOfAddress = 10
	viewersOfMachine = 40
)

// events sends server-sent events until the viewer goes away or the server stops:
// "view" is how the sources are, every two seconds; "hour" their charts, every ten;
// "detail" what the database says of tables and rejected events, when it changes.
type events struct {
	history *history
	details *details
	// places are those of viewers. A newcomer takes that of whoever came first of its address.
	places   *admission.Places
	refusals *admission.Digest
}

func (e *events) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// Another site's page can't read the answer, but could take all places.
	if site := r.Header.Get("Sec-Fetch-Site"); site == "cross-site" || site == "same-site" {
		answer(w, http.StatusForbidden, "this is only for the page of this server")
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
		answer(w, http.StatusInternalServerError, err.Error())
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
	asking.Go(func() { e.details.follow(ctx, detail) })
	v := &viewer{events: e, w: w, control: control, samples: -1}
	ticker := time.NewTicker(viewInterval)
	defer ticker.Stop()
	for err := v.look(); err == nil; { // an error is that the viewer has gone
		select {
		case <-ctx.Done():
			return
		case data := <-detail:
			err = v.send("detail", data)
		case <-ticker.C:
			err = v.look()
		}
	}
}

// viewer is one who looks.
type viewer struct {
	*events
	w       http.ResponseWriter
	control *http.ResponseController
	// samples is how much of the charts has been sent.
	samples int
}

// look sends how the sources are.
func (v *viewer) look() error {
	if err := v.tell("view", v.history.look(time.Now())); err != nil {
		return err
	}
	hour, samples := v.history.hour(v.samples)
	if v.samples = samples; hour == nil {
		return nil
	}
	return v.tell("hour", hour)
}

// tell sends a value.
func (v *viewer) tell(kind string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return v.send(kind, data)
}

// send sends one event.
func (v *viewer) send(kind string, data []byte) error {
	if err := v.control.SetWriteDeadline(time.Now().Add(requestTime)); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(v.w, "event: %s\ndata: %s\n\n", kind, data); err != nil {
		return err
	}
	return v.control.Flush()
}
