package main

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"io"
	"os"

	"github.com/discordpkg/gateway/lvsp"
)

const maxSecret = 4096 // bytes of a file

// secrets reads those of the backends. White space around them does not count.
func (o *options) secrets() ([]lvsp.Backend, error) {
	var backends []lvsp.Backend
	for _, b := range o.backends {
		secret, err := readSecret(b.file)
		if err != nil {
			return nil, fmt.Errorf("secret of backend %q: %w", b.name, err)
		}
		backends = append(backends, lvsp.Backend{Name: b.name, Secret: secret, AllowPlain: o.plain, Dialect: o.dialect})
	}
	return backends, nil
}

func readSecret(file string) (lvsp.Secret, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSecret))
	if err != nil {
		return nil, err
	}
	return bytes.TrimSpace(b), nil
}

// tokenKey makes the key of the tokens of users. It is the same after a
// restart, and no backend can make it that does not know all secrets.
func tokenKey(backends []lvsp.Backend) (lvsp.TokenKey, error) {
	var all []byte
	for _, b := range backends {
		all = append(all, b.Secret...)
	}
	key, err := hkdf.Key(sha256.New, all, nil, "voiceserver tokens of users", lvsp.MinSecret)
	if err != nil {
		return lvsp.TokenKey{}, err
	}
	return lvsp.NewTokenKey(key)
}
