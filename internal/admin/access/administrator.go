package access

import (
	"context"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"

	"metadb/internal/ident"
	"metadb/internal/target/pgcode"
)

// RetiredRole is the role that owns the objects of dropped users. It can't log in, is not a member
// of any role, and has no rights except on its own objects.
const RetiredRole = "metadb_retired"

// administrator executes the statements that need more rights than the system user's: these and no
// others. If metadb.conf names a superuser, they are executed with its rights, in a transaction
// that reads pg_catalog only. docs/security.md has the list; a test compares the two.
type administrator struct {
	tx pgx.Tx
	// name is the role's name; super is true if it is a superuser.
	name  string
	super bool
	// granular is true if membership in a role, having its rights (INHERIT) and becoming it (SET)
	// are separate: from PostgreSQL 16 on.
	// https://www.postgresql.org/docs/16/sql-grant.html
	granular bool
}

// granularVersion is that version, in the form of server_version_num.
const granularVersion = 160000

func newAdministrator(ctx context.Context, tx pgx.Tx) (*administrator, error) {
	a := &administrator{tx: tx}
	const question = `
SELECT r.rolname::text, r.rolsuper, pg_catalog.current_setting('server_version_num')::pg_catalog.int4 >= $1
  FROM pg_catalog.pg_roles AS r
 WHERE r.rolname = current_user`
	if err := tx.QueryRow(ctx, question, granularVersion).Scan(&a.name, &a.super, &a.granular); err != nil {
		return nil, fmt.Errorf("look for the administrator's rights: %w", err)
	}
	if a.granular && !a.super {
		// With this setting a role that creates another one may act for it.
		if err := a.execStatement(ctx, "SET LOCAL createrole_self_grant = 'set, inherit'"); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// execStatement executes a statement, and quotes it in the error. It must not contain a password.
func (a *administrator) execStatement(ctx context.Context, sql string) error {
	if _, err := a.tx.Exec(ctx, sql); err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	return nil
}

// createUser creates a role that can log in. verifier is a quoted constant.
func (a *administrator) createUser(ctx context.Context, name ident.Name, verifier string, connections int) error {
	_, err := a.tx.Exec(ctx, "CREATE ROLE "+name.SQL()+" LOGIN CONNECTION LIMIT "+strconv.Itoa(connections)+" PASSWORD "+verifier)
	return err
}

// setPassword changes a user's password. verifier is a quoted constant.
func (a *administrator) setPassword(ctx context.Context, name ident.Name, verifier string) error {
	_, err := a.tx.Exec(ctx, "ALTER ROLE "+name.SQL()+" PASSWORD "+verifier)
	return err
}

// commentRole sets the comment of a role. text is a quoted constant.
func (a *administrator) commentRole(ctx context.Context, name ident.Name, text string) error {
	return a.execStatement(ctx, "COMMENT ON ROLE "+name.SQL()+" IS "+text)
}

// createRetired creates RetiredRole. It is no error if the Metadb of another database creates it at
// the same time.
func (a *administrator) createRetired(ctx context.Context) error {
	err := pgx.BeginFunc(ctx, a.tx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "CREATE ROLE "+ident.Name(RetiredRole).SQL()+" NOLOGIN")
		return err
	})
	if pgcode.Is(err, pgcode.DuplicateObject, pgcode.UniqueViolation) {
		return nil
	}
	return err
}

// addMember makes a role a member of another one, with all its rights.
func (a *administrator) addMember(ctx context.Context, role, member string) error {
	sql := "GRANT " + ident.Name(role).SQL() + " TO " + ident.Name(member).SQL()
	if a.granular {
		sql += " WITH INHERIT TRUE, SET TRUE"
	}
	return a.execStatement(ctx, sql)
}

func (a *administrator) createSchema(ctx context.Context, user ident.Name) error {
	return a.execStatement(ctx, "CREATE SCHEMA "+user.SQL()+" AUTHORIZATION "+user.SQL())
}

func (a *administrator) renameSchema(ctx context.Context, from, to ident.Name) error {
	return a.execStatement(ctx, "ALTER SCHEMA "+from.SQL()+" RENAME TO "+to.SQL())
}

func (a *administrator) reassignOwned(ctx context.Context, from, to ident.Name) error {
	return a.execStatement(ctx, "REASSIGN OWNED BY "+from.SQL()+" TO "+to.SQL())
}

// dropOwned drops the objects of a role, and revokes all its privileges.
func (a *administrator) dropOwned(ctx context.Context, name ident.Name) error {
	return a.execStatement(ctx, "DROP OWNED BY "+name.SQL())
}

func (a *administrator) dropRole(ctx context.Context, name ident.Name) error {
	return a.execStatement(ctx, "DROP ROLE "+name.SQL())
}

func (a *administrator) lockTable(ctx context.Context, table ident.Qualified) error {
	return a.execStatement(ctx, "LOCK TABLE ONLY "+table.SQL()+" IN ACCESS EXCLUSIVE MODE")
}

// runAsInvoker makes a routine run with the rights of its caller. The signature is quoted.
func (a *administrator) runAsInvoker(ctx context.Context, signature string) error {
	return a.execStatement(ctx, "ALTER ROUTINE "+signature+" SECURITY INVOKER")
}

// revokeAll revokes all privileges on an object from a role, or from PUBLIC.
func (a *administrator) revokeAll(ctx context.Context, object, grantee string) error {
	return a.execStatement(ctx, "REVOKE ALL ON "+object+" FROM "+grantee+" CASCADE")
}

// grantPrivilege grants a privilege on an object that another role owns, such as "SELECT ON
// schema.table".
func (a *administrator) grantPrivilege(ctx context.Context, privilege string, user ident.Name) error {
	return a.execStatement(ctx, "GRANT "+privilege+" TO "+user.SQL())
}

func (a *administrator) revokePrivilege(ctx context.Context, privilege string, user ident.Name) error {
	return a.execStatement(ctx, "REVOKE "+privilege+" FROM "+user.SQL())
}
