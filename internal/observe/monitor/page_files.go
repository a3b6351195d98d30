package monitor

import (
	"embed"
	"net/http"
)

//go:embed page
var pageFiles embed.FS

// securityPolicy lets the page load only its own files, and forbids to embed it in a frame.
const securityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// pageFileTypes returns the page's files with their media types.
func pageFileTypes() map[string]string {
	const script = "text/javascript; charset=utf-8"
	return map[string]string{
		"page.css": "text/css; charset=utf-8", "icon.svg": "image/svg+xml",
		"page.js": script, "dom.js": script, "words.js": script, "source.js": script, "chart.js": script, "progress.js": script,
		"tables.js": script, "rejected.js": script,
	}
}

// serveFile returns a handler for one of the page's files.
func serveFile(name, kind string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		body, err := pageFiles.ReadFile("page/" + name)
		if err != nil {
			writeText(w, http.StatusInternalServerError, err.Error())
			return
		}
		header := w.Header()
		header.Set("Content-Type", kind)
		header.Set("Content-Security-Policy", securityPolicy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cache-Control", "no-cache")
		_, _ = w.Write(body)
	}
}
