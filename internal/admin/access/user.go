package access

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"metadb/internal/ident"
)

// DefaultConnections is the limit of a user's concurrent sessions, unless "create user" has another
// one.
const DefaultConnections = 20

// User is a new user. Verifier is stored by PostgreSQL in place of the password; see package scram.
// Connections limits the user's sessions; -1 is no limit.
type User struct {
	Name, Verifier, Comment string
	Connections             int
}

// CreateUser creates a role that can log in, registers it, and creates a schema of the same name
// that it owns. If a dropped user has left a schema of that name, that schema is renamed; renamed
// is its new name.
func (s *Session) CreateUser(ctx context.Context, u User) (renamed string, err error) {
	exists, err := s.registry.roleExists(ctx, u.Name)
	switch {
	case err != nil:
		return "", err
	case exists:
		return "", ErrRoleExists
	}
	if err := s.registry.checkSchemaFree(ctx, u.Name); err != nil {
		return "", err
	}
	// A role of that name may have been dropped directly in PostgreSQL: the new one must not get
	// its grants.
	if _, err := s.registry.deleteGrants(ctx, u.Name); err != nil {
		return "", err
	}
	if _, err := s.tx.own.Exec(ctx, "INSERT INTO metadb.auth (username, created) VALUES ($1, true)", u.Name); err != nil {
		return "", fmt.Errorf("register the user: %w", err)
	}
	verifier, err := s.registry.quoteLiteral(ctx, u.Verifier)
	if err != nil {
		return "", err
	}
	admin, err := s.tx.administrator(ctx)
	if err != nil {
		return "", err
	}
	if err := admin.createUser(ctx, ident.Name(u.Name), verifier, u.Connections); err != nil {
		return "", err
	}
	if u.Comment != "" {
		comment, err := s.registry.quoteLiteral(ctx, u.Comment)
		if err != nil {
			return "", err
		}
		if err := admin.commentRole(ctx, ident.Name(u.Name), comment); err != nil {
			return "", err
		}
	}
	return s.createSchema(ctx, u.Name)
}

// SetPassword changes the password of a user that CreateUser created.
func (s *Session) SetPassword(ctx context.Context, user, verifier string) error {
	if err := s.registry.checkCreatedHere(ctx, user); err != nil {
		return err
	}
	constant, err := s.registry.quoteLiteral(ctx, verifier)
	if err != nil {
		return err
	}
	admin, err := s.tx.administrator(ctx)
	if err != nil {
		return err
	}
	return admin.setPassword(ctx, ident.Name(user), constant)
}

// Register registers a role, which can then be granted access.
func (s *Session) Register(ctx context.Context, user string) error {
	if err := s.registry.checkUnprotected(ctx, user); err != nil {
		return err
	}
	if err := checkOrdinary(ctx, s.tx.own, user); err != nil {
		return err
	}
	tag, err := s.tx.own.Exec(ctx, "INSERT INTO metadb.auth (username) VALUES ($1) ON CONFLICT DO NOTHING", user)
	if err == nil && tag.RowsAffected() == 0 {
		return ErrRegistered
	}
	return err
}

// Deregister revokes all grants of a user, and removes it from the registered users. The role
// stays; it need not exist any more.
func (s *Session) Deregister(ctx context.Context, user string) error {
	err := s.registry.checkRegistered(ctx, user)
	if errors.Is(err, ErrNoRole) {
		known, err := s.registry.deleteGrants(ctx, user)
		if err == nil && !known {
			return ErrNoRole
		}
		return err
	}
	if err != nil {
		return err
	}
	return s.privileges.changeGrants(ctx, user, func() error {
		_, err := s.registry.deleteGrants(ctx, user)
		return err
	})
}

// CreateSchema creates a schema of the user's name, which it owns. If a dropped user has left a
// schema of that name, that schema is renamed; renamed is its new name.
func (s *Session) CreateSchema(ctx context.Context, user string) (renamed string, err error) {
	if err := s.registry.checkRegistered(ctx, user); err != nil {
		return "", err
	}
	if err := s.registry.checkSchemaFree(ctx, user); err != nil {
		return "", err
	}
	return s.createSchema(ctx, user)
}

func (s *Session) createSchema(ctx context.Context, user string) (renamed string, err error) {
	admin, err := s.tx.administrator(ctx)
	if err != nil {
		return "", err
	}
	var owner string
	const question = `
SELECT pg_catalog.pg_get_userbyid(nspowner)::pg_catalog.text FROM pg_catalog.pg_namespace WHERE nspname = $1`
	err = admin.tx.QueryRow(ctx, question, user).Scan(&owner)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
	case err != nil:
		return "", fmt.Errorf("look for the schema: %w", err)
	case owner != RetiredRole:
		return "", &SchemaTakenError{Schema: user, Owner: owner}
	default:
		if err := admin.actFor(ctx, RetiredRole); err != nil {
			return "", err
		}
		if renamed, err = s.registry.retiredName(ctx, user); err != nil {
			return "", err
		}
		if err := admin.renameSchema(ctx, ident.Name(user), ident.Name(renamed)); err != nil {
			return "", err
		}
	}
	if err := admin.actFor(ctx, user); err != nil {
		return "", err
	}
	return renamed, admin.createSchema(ctx, ident.Name(user))
}
