package command

import (
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"

	"metadb/internal/admin/lang"
	"metadb/internal/target/pgcode"
)

// repositoryPattern is URL/refs/KIND/NAME: a Git repository or folder, and a reference in it. A
// name may contain slashes.
var repositoryPattern = regexp.MustCompile(`^(.+?)/refs/([a-z]+)/([^\s]*[^\s/])$`)

// checkRepository refuses a value that is not a repository with a reference. The error does not
// quote a value with a password: the message may be logged.
func checkRepository(p parameter, v lang.Value) error {
	if v.Text == "" {
		return nil
	}
	parts := repositoryPattern.FindStringSubmatch(v.Text)
	if parts == nil {
		return repositoryError(p, v)
	}
	at, err := url.Parse(parts[1])
	switch {
	case err != nil:
		return repositoryError(p, v)
	case at.User != nil && (at.Scheme != "ssh" || hasPassword(at)):
		return &Error{
			Code: pgcode.InvalidParameterValue, Message: fmt.Sprintf("invalid value for parameter \"%s\": a URL with a user or password in it", p.name),
			Hint: "lists and logs show the value: leave them out", Position: v.At,
		}
	case at.Scheme == "" && filepath.IsAbs(parts[1]), at.Scheme == "file" && at.Path != "":
		return nil
	case (at.Scheme == "https" || at.Scheme == "http" || at.Scheme == "ssh") && at.Host != "":
		return nil
	}
	return repositoryError(p, v)
}

func hasPassword(at *url.URL) bool {
	_, has := at.User.Password()
	return has
}

// repositoryError returns the error for an invalid value.
func repositoryError(p parameter, v lang.Value) *Error {
	return &Error{
		Code: pgcode.InvalidParameterValue, Message: fmt.Sprintf("invalid value for parameter \"%s\": \"%s\"", p.name, v.Text), Position: v.At,
		Hint: "it is empty or URL/refs/KIND/NAME, such as 'https://git.example.org/reports.git/refs/tags/v1.8.1' or '…/refs/heads/main'",
	}
}
