package client

import (
	"context"
	"log/slog"

	"github.com/jackc/pgx/v5"

	"metadb/internal/instance"
	"metadb/internal/resync"
	"metadb/internal/source/kinds"
)

// SyncOffline begins the synchronization of a data source or table while no server runs. It sets
// the options' Bounds itself, to query the data source's broker.
func SyncOffline(ctx context.Context, path string, front resync.Prompter, o resync.SyncOptions) error {
	all, err := kinds.All(slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	o.Bounds = kinds.BoundsFunc(all, instance.SecretKeyIn(path))
	return Offline(ctx, path, func(ctx context.Context, db *pgx.Conn) error {
		return resync.Sync(ctx, db, front, o)
	})
}

// EndsyncOffline ends a synchronization while no server runs, and returns the tables' counts.
func EndsyncOffline(ctx context.Context, path string, front resync.Prompter, o resync.EndsyncOptions) ([]resync.TableCount, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	var counts []resync.TableCount
	err := Offline(ctx, path, func(ctx context.Context, db *pgx.Conn) error {
		var err error
		counts, err = resync.Endsync(ctx, db, front, o)
		return err
	})
	return counts, err
}

// AbortOffline aborts a resynchronization while no server runs.
func AbortOffline(ctx context.Context, path string, o resync.AbortOptions) error {
	return Offline(ctx, path, func(ctx context.Context, db *pgx.Conn) error {
		return resync.Abort(ctx, db, o)
	})
}
