package server

import "metadb/internal/observe/monitor"

// listenHTTP opens the HTTP port for probes, metrics and the status page. It returns nil if
// http_listen is not set.
func (s *server) listenHTTP(streams *supervisor, metrics *monitor.Metrics) (*monitor.Server, error) {
	if s.config.HTTPListen == "" {
		return nil, nil
	}
	var err error
	if s.httpCertificate, err = readCertificate("http", s.config.HTTPCert, s.config.HTTPKey); err != nil {
		return nil, err
	}
	return monitor.Listen(monitor.Config{
		Address:  s.config.HTTPListen,
		TLS:      s.httpCertificate.tlsConfig(),
		Token:    s.config.HTTPToken,
		Ready:    streams.checkReady,
		PageData: streams.pageData,
		Metrics:  metrics,
		Logger:   s.logger,
	})
}
