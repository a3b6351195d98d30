package pgtest

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// serverUser is the operating-system user that runs the server: PostgreSQL refuses root.
type serverUser struct {
	credential *syscall.Credential
}

// findServerUser returns the user "postgres" if the test runs as root, and otherwise the
// present user.
func findServerUser() (serverUser, error) {
	if os.Geteuid() != 0 {
		return serverUser{}, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return serverUser{}, fmt.Errorf("the tests run as root, PostgreSQL can't: %w", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return serverUser{}, fmt.Errorf("user id of postgres: %w", err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return serverUser{}, fmt.Errorf("group id of postgres: %w", err)
	}
	return serverUser{&syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
}

// ownTree changes the owner of a path and everything below it to the user.
func (a serverUser) ownTree(root string) error {
	if a.credential == nil {
		return nil
	}
	return filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, int(a.credential.Uid), int(a.credential.Gid))
	})
}

// processAttributes returns the attributes of a process of the user in its own process group:
// an interrupt typed at the terminal reaches only the test, which then stops the process.
func (a serverUser) processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: a.credential, Setpgid: true}
}
