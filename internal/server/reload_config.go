package server

import (
	"fmt"
	"os"
	"sync"

	"metadb/internal/admin/wire"
	"metadb/internal/observe/monitor"
)

// hangupActions runs actions at each SIGHUP.
type hangupActions struct {
	mu      sync.Mutex
	actions []func()
}

// addAction adds an action for all later signals.
func (h *hangupActions) addAction(action func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.actions = append(h.actions, action)
}

// runOnSignal runs the actions at each signal, until stop is called.
func (h *hangupActions) runOnSignal(signals <-chan os.Signal) (stop func()) {
	stopped, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-signals:
				h.mu.Lock()
				actions := h.actions
				h.mu.Unlock()
				for _, action := range actions {
					action()
				}
			case <-stopped:
				return
			}
		}
	}()
	return func() { close(stopped); <-done }
}

// reloadConfig reloads passwords, certificates and http_token from metadb.conf and the files that
// it names, without a restart. A setting that can't be read keeps its value.
func (s *server) reloadConfig(port *wire.Server, web *monitor.Server) {
	config, err := s.dir.Config()
	if err != nil {
		s.logger.Error(fmt.Sprintf("read the configuration again: %v; everything stays as it was", err))
		return
	}
	well := true
	note := func(err error) {
		if err != nil {
			well = false
			s.logger.Error(fmt.Sprintf("read the configuration again: %v; that stays as it was", err))
		}
	}
	if err := s.config.UsePasswords(config); err != nil {
		note(err)
	} else {
		note(port.SetPasswords(config.SystemUser.Password, config.Superuser.Password))
	}
	note(s.adminCertificate.readFiles())
	note(s.httpCertificate.readFiles())
	if web != nil {
		note(web.SetToken(config.HTTPToken))
	}
	for _, line := range config.Warnings() {
		s.logger.Warn(line)
	}
	if well {
		s.logger.Info("read passwords, certificates and http_token again; other changes of metadb.conf need a restart")
	}
}
