package wire

// roleTable are those that may log in, with the passwords that hold now.
type roleTable struct {
	system, super Role
	verifiers     map[string]*roleVerifier
}

// SetPasswords gives the two roles other passwords: for those who log in, and for sessions that are
// opened at the database from now on.
func (s *Server) SetPasswords(system, super string) error {
	r := &roleTable{system: s.System, super: s.Super, verifiers: make(map[string]*roleVerifier)}
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
