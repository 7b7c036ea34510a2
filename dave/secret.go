package dave

// A secret returns the place of a key. It is a function so that neither a fmt
// verb nor anything that walks a struct can reach the key.
type secret func() []byte

// keep copies key.
func keep(key []byte) secret {
	k := append(make([]byte, 0, len(key)), key...)
	return func() []byte { return k }
}

// wipe overwrites the key, if there is one.
func (s secret) wipe() {
	if s != nil {
		clear(s())
	}
}
