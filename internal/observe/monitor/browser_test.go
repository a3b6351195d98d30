//go:build e2e

package monitor_test

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"metadb/internal/testkit/depcache"
	"metadb/internal/testkit/pace"
)

var update = flag.Bool("update", false, "write the screenshots in docs/")

// look is one way to view the page.
type look struct {
	width  int64
	scheme string
}

// TestPageInBrowser opens the page in every state, on small and large screens, in light and dark
// colours: no element is too wide, the browser reports no errors and sends requests to no other
// host, and axe-core finds no barriers.
func TestPageInBrowser(t *testing.T) {
	axe, err := os.ReadFile(filepath.Join(depcache.InstallNodeModules(t, "testdata/axe"), "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	browser := openBrowser(t)
	for name, state := range pageStates() {
		t.Run(name, func(t *testing.T) {
			address := serve(t, state.config())
			ctx, cancel := chromedp.NewContext(browser)
			defer cancel()
			ctx, cancelTime := context.WithTimeout(ctx, pace.Hang)
			defer cancelTime()
			seen := &troubles{}
			if err := seen.watch(ctx, strings.TrimPrefix(address, "http://")); err != nil {
				t.Fatal(err)
			}
			for _, width := range []int64{400, 1920} {
				for _, scheme := range []string{"light", "dark"} {
					picture := state.lookAt(ctx, t, address, look{width, scheme})
					inspect(ctx, t, string(axe))
					keep(t, name, look{width, scheme}, picture)
				}
			}
			seen.check(t)
		})
	}
}

// openBrowser starts a browser for a test.
func openBrowser(t *testing.T) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.ExecPath("chromium"))
	allocator, stop := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), options...)
	t.Cleanup(stop)
	browser, quit := chromedp.NewContext(allocator)
	t.Cleanup(quit)
	check(t, chromedp.Do(browser))
	return browser
}

// lookAt opens the page and checks its texts. It returns a screenshot.
func (p *pageState) lookAt(ctx context.Context, t *testing.T, address string, l look) []byte {
	t.Helper()
	night := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: l.scheme}}}
	_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, night)
	check(t, err)
	check(t, chromedp.Do(ctx,
		chromedp.EmulateViewport(l.width, 1000),
		chromedp.Navigate(address),
		chromedp.WaitVisible("#sources h2"),
		chromedp.WaitVisible("#tables tbody tr"),
	))
	overflow, err := chromedp.Run(ctx, chromedp.Evaluate[int]("document.documentElement.scrollWidth - document.documentElement.clientWidth"))
	check(t, err)
	text, err := chromedp.Run(ctx, chromedp.Text("body"))
	check(t, err)
	picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	check(t, err)
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

// inspect runs axe-core, which finds barriers for people with disabilities.
// https://www.deque.com/axe/core-documentation/api-documentation/
func inspect(ctx context.Context, t *testing.T, axe string) {
	t.Helper()
	const run = `axe.run({resultTypes: ['violations']}).then((r) =>
		r.violations.map((v) => v.id + ': ' + v.help + ' at ' + v.nodes.map((n) => n.target + ' ' + n.failureSummary).join('; ')))`
	_, err := chromedp.Run(ctx, chromedp.Evaluate[chromedp.Void](axe))
	check(t, err)
	violations, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](run, chromedp.EvalAwaitPromise))
	check(t, err)
	for _, violation := range violations {
		t.Error(violation)
	}
}

// check ends the test if the browser returned an error.
func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// keep writes the screenshots of the documentation.
func keep(t *testing.T, name string, l look, picture []byte) {
	t.Helper()
	shown := map[string]look{"resync": {400, "dark"}, "normal": {1920, "dark"}, "rejected": {1920, "light"}}
	if !*update || shown[name] != l {
		return
	}
	file := filepath.Join("..", "..", "..", "docs", "images", "page-"+name+"-"+l.scheme+".png")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, picture, 0o644); err != nil {
		t.Fatal(err)
	}
}
