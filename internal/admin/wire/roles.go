package wire

// roleTable contains the roles that may log in, with their present passwords.
type roleTable struct {
	system, super Role
	verifiers     map[string]*roleVerifier
}

// SetPasswords changes the passwords of the two roles, for later logins and for later connections
// to the database.
func (s *Server) SetPasswords(system, super string) error {
	r := &roleTable{system: s.config.System, super: s.config.Super, verifiers: make(map[string]*roleVerifier)}
	r.system.Password, r.super.Password = system, super
	for _, role := range []Role{r.system, r.super} {
		if role.Name == "" {
			continue
		}
		made, err := newVerifier(role.Password)
		if err != nil {
			return err
		}
		r.verifiers[role.Name] = made
	}
	s.roles.Store(r)
	return nil
}
