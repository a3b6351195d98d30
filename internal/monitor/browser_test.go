//go:build e2e

package monitor_test

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"metadb/internal/fetch"
)

var update = flag.Bool("update", false, "write the screenshots in docs/")

// look is one way to look at the page.
type look struct {
	width  int64
	scheme string
}

// TestPageInBrowser looks at the page in every state, on a telephone and on a
// wall, by day and by night: nothing is too wide, the browser complains of nothing
// and asks nobody else, and axe-core finds nothing that keeps people out.
func TestPageInBrowser(t *testing.T) {
	axe, err := os.ReadFile(filepath.Join(fetch.Node(t, "testdata/axe"), "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.ExecPath("chromium"))
	allocator, stop := chromedp.NewExecAllocator(t.Context(), options...)
	defer stop()
	browser, quit := chromedp.NewContext(allocator)
	defer quit()
	if err := chromedp.Run(browser); err != nil {
		t.Fatal(err)
	}
	for name, state := range pageStates() {
		t.Run(name, func(t *testing.T) {
			address := serve(t, state.config())
			ctx, cancel := chromedp.NewContext(browser)
			defer cancel()
			ctx, cancelTime := context.WithTimeout(ctx, 2*time.Minute)
			defer cancelTime()
			seen := &troubles{}
			seen.watch(ctx, strings.TrimPrefix(address, "http://"))
			if err := chromedp.Run(ctx, network.Enable(), log.Enable(), runtime.Enable()); err != nil {
				t.Fatal(err)
			}
			for _, width := range []int64{400, 1920} {
				for _, scheme := range []string{"light", "dark"} {
					picture := state.lookAt(t, ctx, address, look{width, scheme})
					inspect(t, ctx, string(axe))
					keep(t, name, look{width, scheme}, picture)
				}
			}
			seen.check(t)
		})
	}
}

// lookAt opens the page and checks what it says. It returns a picture.
func (p *pageState) lookAt(t *testing.T, ctx context.Context, address string, l look) []byte {
	t.Helper()
	var overflow int
	var text string
	var picture []byte
	err := chromedp.Run(ctx,
		chromedp.EmulateViewport(l.width, 1000),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: l.scheme}}),
		chromedp.Navigate(address),
		chromedp.WaitVisible("#sources h2"),
		chromedp.WaitVisible("#tables tbody tr"),
		chromedp.Evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth", &overflow),
		chromedp.Text("body", &text),
		chromedp.CaptureScreenshot(&picture),
	)
	if err != nil {
		t.Fatalf("%+v: %v", l, err)
	}
	if overflow > 0 {
		t.Errorf("%+v: the page is %d too wide", l, overflow)
	}
	for _, want := range p.says {
		if !strings.Contains(text, want) {
			t.Errorf("%+v: the page does not say %q, but\n%s", l, want, text)
		}
	}
	return picture
}

// inspect has axe-core look for what keeps people from using the page.
// https://www.deque.com/axe/core-documentation/api-documentation/
func inspect(t *testing.T, ctx context.Context, axe string) {
	t.Helper()
	const run = `axe.run({resultTypes: ['violations']}).then((r) =>
		r.violations.map((v) => v.id + ': ' + v.help + ' at ' + v.nodes.map((n) => n.target + ' ' + n.failureSummary).join('; ')))`
	var violations []string
	err := chromedp.Run(ctx,
		chromedp.Evaluate(axe, nil),
		chromedp.Evaluate(run, &violations, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }),
	)
	if err != nil {
		t.Fatal(err)
	}
	for _, violation := range violations {
		t.Error(violation)
	}
}

// keep writes the screenshots that the documentation shows.
func keep(t *testing.T, name string, l look, picture []byte) {
	t.Helper()
	shown := map[string]look{"resync": {400, "dark"}, "normal": {1920, "dark"}, "rejected": {1920, "light"}}
	if !*update || shown[name] != l {
		return
	}
	file := filepath.Join("..", "..", "docs", "images", "page-"+name+"-"+l.scheme+".png")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, picture, 0o644); err != nil {
		t.Fatal(err)
	}
}
