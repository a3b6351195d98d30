//go:build e2e

package monitor_test

import (
	"context"
	"flag"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"metadb/internal/monitor"
	"metadb/internal/status"
)

var update = flag.Bool("update", false, "write the screenshots in docs/")

// pageStates is what the page is looked at with.
func pageStates() map[string]func(s *status.Source) {
	return map[string]func(s *status.Source){
		"snapshot": func(s *status.Source) { s.SetStream(status.Active, ""); s.SetSync(status.Snapshot); s.SetLag(48200) },
		"normal":   func(s *status.Source) { s.SetStream(status.Active, ""); s.SetSync(status.Normal); s.SetLag(0) },
		"resync": func(s *status.Source) {
			s.SetStream(status.Active, "")
			s.SetSync(status.Snapshot)
			s.SetLag(1200)
			s.SetConfirming(2_000_000, 830_000)
		},
		"error": func(s *status.Source) {
			s.SetStream(status.Error, "ask broker.example.org:9092 for topics: unable to dial: connection refused; check brokers, and whether Kafka runs")
			s.SetSync(status.Normal)
			s.Applied(0, 3, time.Now())
		},
		"gap": func(s *status.Source) {
			s.SetStream(status.Active, "")
			s.SetSync(status.Normal)
			s.SetGap(1234, "1234 events of topic library_1.public.patron are missing")
		},
	}
}

// troubles are what a browser complains about, and what it asked of others.
type troubles struct {
	mu   sync.Mutex
	said []string
}

func (b *troubles) add(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.said = append(b.said, text)
}

// watch listens to a browser's tab.
func (b *troubles) watch(ctx context.Context, host string) {
	chromedp.ListenTarget(ctx, func(event any) {
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			b.add("exception: " + e.ExceptionDetails.Error())
		case *runtime.EventConsoleAPICalled:
			b.add("console: " + string(e.Type))
		case *log.EventEntryAdded:
			b.add("log: " + e.Entry.Text + " " + e.Entry.URL)
		case *network.EventRequestWillBeSent:
			if to, err := url.Parse(e.Request.URL); err != nil || to.Host != host {
				b.add("request to " + e.Request.URL)
			}
		}
	})
}

// TestPageInBrowser looks at the page in every state, on a telephone and on a
// wall, by day and by night.
func TestPageInBrowser(t *testing.T) {
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.ExecPath("chromium"))
	allocator, stop := chromedp.NewExecAllocator(t.Context(), options...)
	defer stop()
	for name, set := range pageStates() {
		t.Run(name, func(t *testing.T) {
			sources := &status.Registry{}
			source := sources.Source("library")
			set(source)
			source.Applied(5000, 0, time.Now())
			address := serve(t, monitor.Config{Metrics: monitor.NewMetrics(sources, func() int { return 0 }), Ready: allReady})
			ctx, cancel := chromedp.NewContext(allocator)
			defer cancel()
			ctx, cancelTime := context.WithTimeout(ctx, time.Minute)
			defer cancelTime()
			seen := &troubles{}
			seen.watch(ctx, strings.TrimPrefix(address, "http://"))
			if err := chromedp.Run(ctx, network.Enable(), log.Enable(), runtime.Enable()); err != nil {
				t.Fatal(err)
			}
			for _, width := range []int64{400, 1920} {
				for _, scheme := range []string{"light", "dark"} {
					var overflow int
					var text string
					var picture []byte
					err := chromedp.Run(ctx,
						chromedp.EmulateViewport(width, 900),
						emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}),
						chromedp.Navigate(address),
						chromedp.WaitVisible("section h2"),
						chromedp.Evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth", &overflow),
						chromedp.Text("main", &text),
						chromedp.CaptureScreenshot(&picture),
					)
					if err != nil {
						t.Fatalf("%d %s: %v", width, scheme, err)
					}
					if overflow > 0 {
						t.Errorf("at %d pixels the page is %d too wide", width, overflow)
					}
					if !strings.Contains(text, "library") || !strings.Contains(text, "Events waiting") {
						t.Errorf("the page says %q", text)
					}
					keep(t, name, width, scheme, picture)
				}
			}
			seen.mu.Lock()
			defer seen.mu.Unlock()
			if len(seen.said) > 0 {
				t.Errorf("the browser complains: %q", seen.said)
			}
		})
	}
}

// keep writes the screenshots that the documentation shows.
func keep(t *testing.T, name string, width int64, scheme string, picture []byte) {
	t.Helper()
	shown := name == "resync" && scheme == "dark" && width == 400 || name == "error" && scheme == "light" && width == 1920
	if !*update || !shown {
		return
	}
	file := filepath.Join("..", "..", "docs", "images", "page-"+name+"-"+scheme+".png")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, picture, 0o644); err != nil {
		t.Fatal(err)
	}
}
