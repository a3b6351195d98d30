package server

import "metadb/internal/observe/monitor"

// listenHTTP opens what answers over HTTP, nil if that is not wanted.
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
