package gatewayshard

import (
	"bytes"
	"runtime"
	"strconv"
)

// goroutineID returns a number that no other running goroutine has. It serves
// to tell a call by a handler from one that may wait for the handler: they
// come through the same methods. It costs about a microsecond and is used
// once for each connection and each call that waits for the loop.
func goroutineID() uint64 {
	var buf [64]byte
	text := buf[:runtime.Stack(buf[:], false)] // goroutine 18 [running]:
	text = bytes.TrimPrefix(text, []byte("goroutine "))
	digits, _, _ := bytes.Cut(text, []byte(" "))
	id, _ := strconv.ParseUint(string(digits), 10, 64)
	return id
}

// inHandler reports whether the caller is the handler, or was called by it.
// The caller must not hold mu.
func (c *connection) inHandler() bool {
	if !c.handling.Load() {
		return false
	}
	c.shard.mu.Lock()
	loop := c.loop
	c.shard.mu.Unlock()
	return loop == goroutineID()
}
