package server

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"metadb/internal/client"
	"metadb/internal/ident"
)

// TestEncoding checks that the start refuses a database with an encoding that can't store every
// text, and names the remedy.
func TestEncoding(t *testing.T) {
	for _, encoding := range []string{"LATIN1", "SQL_ASCII", "EUC_JP", "WIN1252"} {
		t.Run(encoding, func(t *testing.T) {
			i := install(t)
			name := strings.ToLower("metadb_" + encoding)
			database(t, i, name, encoding)
			own := i.db.Name
			i.db.Name = name
			i.configure(t, "")
			i.db.Name = own
			want := fmt.Sprintf("database %q has the encoding %s; it has to be UTF8", name, encoding)
			for _, run := range []func() error{
				func() error { return Run(t.Context(), Options{Dir: i.dir, Stderr: &buffer{}, Port: i.port}) },
				func() error {
					_, _, err := client.Upgrade(t.Context(), i.dir, Version, func(int, int) (bool, error) { return true, nil })
					return err
				},
			} {
				if err := run(); err == nil || !strings.HasPrefix(err.Error(), want) {
					t.Errorf("got %v, want %s", err, want)
				}
			}
		})
	}
}

// database creates a database with an encoding, and drops it at the end of the test.
func database(t *testing.T, i *installation, name, encoding string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), i.db.Cluster.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		if _, err := conn.Exec(ctx, "DROP DATABASE "+ident.Name(name).SQL()+" WITH (FORCE)"); err != nil {
			t.Error(err)
		}
		_ = conn.Close(ctx)
	})
	if _, err := conn.Exec(t.Context(), "CREATE DATABASE "+ident.Name(name).SQL()+" ENCODING '"+encoding+"' LOCALE 'C' TEMPLATE template0"); err != nil {
		t.Fatal(err)
	}
}
