package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"sync"
	"time"
)

// A keyPair is a certificate in files, which are read again when they are renewed.
type keyPair struct {
	cert, key string

	mu      sync.Mutex // guards what follows
	pair    *tls.Certificate
	written time.Time // the certificate's file
	checked time.Time
}

// reloadPeriod is how often the files are looked at, as long as clients come.
const reloadPeriod = time.Minute

// loadKeyPair returns an error if there is nothing to start with.
func loadKeyPair(cert, key string) (*keyPair, error) {
	k := &keyPair{cert: cert, key: key}
	return k, k.load(time.Now())
}

func (k *keyPair) load(now time.Time) error {
	k.checked = now
	info, err := os.Stat(k.cert)
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	if k.pair != nil && info.ModTime().Equal(k.written) {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(k.cert, k.key)
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	k.pair, k.written = &pair, info.ModTime()
	return nil
}

// get returns the certificate as it is now. Files that make no sense, as in the
// middle of a renewal, change nothing.
func (k *keyPair) get(now time.Time) *tls.Certificate {
	k.mu.Lock()
	defer k.mu.Unlock()
	if now.Sub(k.checked) >= reloadPeriod {
		_ = k.load(now)
	}
	return k.pair
}

func (k *keyPair) config() *tls.Config {
	return &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		return k.get(time.Now()), nil
	}}
}

// writeCertificate is for clients of a server that made its own.
func writeCertificate(file string, c *x509.Certificate) error {
	return os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}), 0o644)
}
