package server

import (
	"context"
	"log/slog"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/datasource"
	"metadb/internal/instance"
	"metadb/internal/resync"
	"metadb/internal/source/kafka"
)

// Sync begins the synchronization of a data source or table while no server runs. It sets the
// options' Bounds itself, to query the data source's broker.
func Sync(ctx context.Context, path string, front resync.Prompter, o resync.SyncOptions) error {
	o.Bounds = boundsFunc(instance.SecretKeyIn(path))
	return Offline(ctx, path, func(ctx context.Context, db *pgx.Conn) error {
		return resync.Sync(ctx, db, front, o)
	})
}

// Endsync ends a synchronization while no server runs, and returns the tables' counts.
func Endsync(ctx context.Context, path string, front resync.Prompter, o resync.EndsyncOptions) ([]resync.TableCount, error) {
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

// AbortSync aborts a resynchronization while no server runs.
func AbortSync(ctx context.Context, path string, o resync.AbortOptions) error {
	return Offline(ctx, path, func(ctx context.Context, db *pgx.Conn) error {
		return resync.Abort(ctx, db, o)
	})
}

// boundsFunc returns a function that queries brokers, with passwords that the key decrypts.
func boundsFunc(key instance.SecretKey) resync.BoundsFunc {
	return func(ctx context.Context, o *datasource.Options, topics []string) (map[change.Partition]resync.Bounds, error) {
		return queryBounds(ctx, key, o, topics)
	}
}

func queryBounds(ctx context.Context, key instance.SecretKey, o *datasource.Options, topics []string) (map[change.Partition]resync.Bounds, error) {
	if topics == nil {
		expressions, err := o.TopicExpressions()
		if err != nil {
			return nil, err
		}
		if topics, err = kafka.QueryTopics(ctx, o.BrokerList(), kafkaSecurity(o, key), expressions); err != nil {
			return nil, err
		}
	}
	answer, err := kafka.QueryBounds(ctx, o.BrokerList(), kafkaSecurity(o, key), topics)
	if err != nil {
		return nil, err
	}
	bounds := make(map[change.Partition]resync.Bounds, len(answer))
	for part, b := range answer {
		bounds[part] = resync.Bounds(b)
	}
	return bounds, nil
}

// kafkaSecurity returns the connection settings of a data source's broker, with a password that
// the key decrypts.
func kafkaSecurity(o *datasource.Options, key instance.SecretKey) kafka.Security {
	s := kafka.Security{TLS: o.UsesTLS(), CAFile: o.SSLCAFile, CertFile: o.SSLCertFile, KeyFile: o.SSLKeyFile}
	if o.UsesSASL() {
		s.Mechanism, s.Username, s.Password = o.SASLMechanism, o.SASLUsername, func() (string, error) { return o.Password(key) }
	}
	return s
}
