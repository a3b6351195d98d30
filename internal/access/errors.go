package access

import "errors"

// What is refused. The wording is for a message that names the user or object.
var (
	ErrRoleExists    = errors.New("already exists")
	ErrNoRole        = errors.New("does not exist")
	ErrRegistered    = errors.New("is registered already")
	ErrNotRegistered = errors.New("is not registered")
	ErrProtected     = errors.New("belongs to the system")
	ErrNoObject      = errors.New("does not exist")
	ErrNotGranted    = errors.New("has not been granted")
)
