package rtp

import "crypto/subtle"

// A secret returns the place of a key. It is a function so that neither a fmt
// verb nor anything that walks a struct can reach the key.
type secret func() *[KeySize]byte

// keep copies a key that has the right size.
func keep(key []byte) secret {
	k := [KeySize]byte(key)
	return func() *[KeySize]byte { return &k }
}

// equal takes the same time for all keys.
func (s secret) equal(key []byte) bool { return subtle.ConstantTimeCompare(s()[:], key) == 1 }

func (s secret) wipe() { clear(s()[:]) }
