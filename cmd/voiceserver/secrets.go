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
// The key makes the tokens of users. It is the same after a restart, and no
// backend can make it that does not know all secrets.
func (o *options) secrets() (backends []lvsp.Backend, key lvsp.TokenKey, err error) {
	var all []byte
	for _, b := range o.backends {
		text, err := readSecret(b.file)
		if err != nil {
			return nil, key, fmt.Errorf("secret of backend %q: %w", b.name, err)
		}
		secret, err := lvsp.NewSecret(text)
		if err != nil {
			return nil, key, fmt.Errorf("secret of backend %q: %w", b.name, err)
		}
		backends = append(backends, lvsp.Backend{Name: b.name, Secret: secret, AllowPlain: o.plain, Dialect: o.dialect})
		all = append(all, text...)
	}
	derived, err := hkdf.Key(sha256.New, all, nil, "voiceserver tokens of users", lvsp.MinSecret)
	if err == nil {
		key, err = lvsp.NewTokenKey(derived)
	}
	return backends, key, err
}

func readSecret(file string) ([]byte, error) {
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
