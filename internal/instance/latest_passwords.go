package instance

import (
	"fmt"
	"sync"
)

// latestPasswords has passwords by role that were read later than their Config.
type latestPasswords struct {
	mu     sync.Mutex
	byRole map[string]string
}

// UsePasswords takes over the passwords of a configuration that was read later. It refuses other
// names of the roles, which need a restart.
func (c *Config) UsePasswords(later *Config) error {
	if later.Superuser.Name != c.Superuser.Name || later.SystemUser.Name != c.SystemUser.Name {
		return fmt.Errorf("other names of superuser or systemuser in metadb.conf need a restart")
	}
	c.latest.mu.Lock()
	defer c.latest.mu.Unlock()
	c.latest.byRole = map[string]string{later.Superuser.Name: later.Superuser.Password, later.SystemUser.Name: later.SystemUser.Password}
	return nil
}

// Password returns the password of a role that was read last.
func (c *Config) Password(role Role) string {
	if c.latest == nil {
		return role.Password
	}
	c.latest.mu.Lock()
	defer c.latest.mu.Unlock()
	if password, known := c.latest.byRole[role.Name]; known {
		return password
	}
	return role.Password
}
