package dbsession

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// CloseTimeout bounds the time for closing a connection.
const CloseTimeout = time.Second

// Close closes a connection, also after ctx has ended. A failure is ignored: the server ends the
// session when it notices that the connection is gone.
func Close(ctx context.Context, conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), CloseTimeout)
	defer cancel()
	_ = conn.Close(ctx)
}
