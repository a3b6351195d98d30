package wire_test

import (
	"context"
	"testing"

	"metadb/internal/testkit/pace"
)

// TestNotification checks that asynchronous messages of the database reach a session that has
// executed a command since LISTEN.
func TestNotification(t *testing.T) {
	t.Parallel()
	p := open(t, nil)
	conn := p.connect()
	for _, sql := range []string{"listen news", "list status"} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithTimeout(t.Context(), pace.Hang)
	defer stop()
	for _, text := range []string{"first", "zweite ä"} {
		if _, err := p.Pool.Exec(t.Context(), "select pg_notify('news', $1)", text); err != nil {
			t.Fatal(err)
		}
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if n.Channel != "news" || n.Payload != text {
			t.Errorf("%+v, want %s", n, text)
		}
	}
}
