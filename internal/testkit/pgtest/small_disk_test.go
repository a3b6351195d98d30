//go:build e2e

package pgtest

import (
	"errors"
	"os"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// TestSmallDisk checks that relations can't grow on a full disk, that they can when it has
// space again, and that neither files nor a mount are left.
func TestSmallDisk(t *testing.T) {
	SkipShort(t)
	ctx := t.Context()
	c, err := NewCluster(ctx, Options{Disk: 24 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	t.Run("full", func(t *testing.T) {
		db := NewOnDisk(t, c)
		if _, err := db.Pool.Exec(ctx, "CREATE TABLE n (n text)"); err != nil {
			t.Fatal(err)
		}
		if err := c.FillDisk(ctx); err != nil {
			t.Fatal(err)
		}
		const grow = "INSERT INTO n SELECT repeat('n', 1000) FROM generate_series(1, 100)"
		var full *pgconn.PgError
		if _, err := db.Pool.Exec(ctx, grow); !errors.As(err, &full) || full.Code != "53100" {
			t.Errorf("got %v", err)
		}
		if err := c.FreeDisk(ctx); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Pool.Exec(ctx, grow); err != nil {
			t.Error(err)
		}
	})
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(c.Dir()); !os.IsNotExist(err) {
		t.Errorf("folder %s is left behind", c.Dir())
	}
}
