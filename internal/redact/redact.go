// Package redact takes secrets out of what a peer says: a server that was told
// a token may send it back in the reason of a close frame, or in the body of an
// HTTP answer, and both end up in errors and logs.
package redact

import "strings"

// Mark stands where a secret was.
const Mark = "(secret)"

// Text returns text without the secrets. Empty ones are ignored.
func Text(text string, secrets ...string) string {
	for _, secret := range secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, Mark)
		}
	}
	return text
}

// Error returns err, or an error that wraps it if its text shows a secret. The
// text of that one does not.
func Error(err error, secrets ...string) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	if clean := Text(text, secrets...); clean != text {
		return &redacted{clean, err}
	}
	return err
}

type redacted struct {
	text string
	err  error
}

func (e *redacted) Error() string { return e.text }
func (e *redacted) Unwrap() error { return e.err }
