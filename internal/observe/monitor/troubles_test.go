//go:build e2e

package monitor_test

import (
	"context"
	"net/url"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// troubles contains the errors that a browser reports, and its requests to other hosts.
type troubles struct {
	mu   sync.Mutex
	said []string
}

func (b *troubles) add(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.said = append(b.said, text)
}

// watch records the events of a browser's tab.
func (b *troubles) watch(ctx context.Context, host string) error {
	err := chromedp.Listen(ctx, func(event any) {
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			b.add("exception: " + e.ExceptionDetails.Text)
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
	if err != nil {
		return err
	}
	if _, err = chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		return err
	}
	if _, err = chromedp.Call(ctx, log.Enable, cdp.Empty{}); err != nil {
		return err
	}
	_, err = chromedp.Call(ctx, runtime.Enable, cdp.Empty{})
	return err
}

// check fails the test if there are troubles.
func (b *troubles) check(t *testing.T) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.said) > 0 {
		t.Errorf("the browser complains: %q", b.said)
	}
}
