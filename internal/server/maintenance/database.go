package maintenance

import (
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"

	"metadb/internal/admin/access"
	"metadb/internal/instance"
	"metadb/internal/target/catalog"
)

// Database is the database that jobs work on.
type Database struct {
	Pool   *pgxpool.Pool
	Config *instance.Config
	// Store has the tables.
	Store *catalog.Store
	// Exclusively calls do while no batch is applied.
	Exclusively func(do func() error) error
	Logger      *slog.Logger
}

// roles returns the roles that no job may change.
func (d *Database) roles() access.Roles {
	return access.Roles{System: d.Config.SystemUser.Name, Super: d.Config.Superuser.Name}
}
