//go:build e2e

package monitor_test

import (
	"context"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"metadb/internal/testkit/pace"
)

// TestTablesByKeyboard finds and sorts tables without a mouse, and scrolls the list, which is wider
// than a telephone.
func TestTablesByKeyboard(t *testing.T) {
	state := pageStates()["normal"]
	ctx, cancel := chromedp.NewContext(openBrowser(t))
	defer cancel()
	ctx, cancelTime := context.WithTimeout(ctx, pace.Hang)
	defer cancelTime()
	tell := func(expression, want string) {
		t.Helper()
		got, err := chromedp.Run(ctx, chromedp.Evaluate[string](expression))
		check(t, err)
		if got != want {
			t.Errorf("%s: got %q, want %q", expression, got, want)
		}
	}
	const tables = "[...document.querySelectorAll('#tables tbody th')].map((e) => e.textContent).join(' ')"
	const focus = "document.activeElement.id || document.activeElement.textContent || ''"
	check(t, chromedp.Do(ctx,
		chromedp.EmulateViewport(400, 900), chromedp.Navigate(serve(t, state.config())), chromedp.WaitVisible("#tables tbody tr"),
		chromedp.KeyEvent(kb.Tab)))
	tell(focus, "filter")
	check(t, chromedp.Do(ctx, chromedp.KeyEvent("PATR")))
	tell(tables, "library.patron library.patron__t")
	tell("document.getElementById('shown').textContent", "2 tables")
	check(t, chromedp.Do(ctx, chromedp.KeyEvent(kb.Tab)))
	tell("document.activeElement.getAttribute('aria-label')", "The list of tables")
	check(t, chromedp.Do(ctx, chromedp.KeyEvent(kb.Tab)))
	tell(focus, "Table")
	check(t, chromedp.Do(ctx, chromedp.KeyEvent(kb.Enter)))
	tell(tables, "library.patron__t library.patron")
	check(t, chromedp.Do(ctx, chromedp.KeyEvent(strings.Repeat(kb.Tab, 5)), chromedp.KeyEvent(kb.Enter)))
	tell(focus, "Size")
	tell("document.activeElement.parentElement.getAttribute('aria-sort')", "descending")
	tell(tables, "library.patron library.patron__t")
}
