package world_test

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/gatewaytest/world"
	"github.com/discordpkg/gateway/opcode"
	"github.com/stretchr/testify/require"
)

// everyOpcode sends each opcode in each phase over a connection of its own.
func (s *harness) everyOpcode() {
	codes := append(opcode.All(), 5, 12, 63, 64, 99)
	for _, active := range []bool{false, true} {
		for _, op := range codes {
			w := open(s.t)
			c := w.Accept(s.now, world.Params{Version: "10", Encoding: "json"})
			name := "before identify"
			if active {
				name = "after identify"
				c.Receive(s.now, []byte(`{"op":2,"d":{"token":"token","properties":{},"intents":0}}`), false)
			}
			for _, ok := c.Next(); ok; _, ok = c.Next() {
			}
			c.Receive(s.now, fmt.Appendf(nil, `{"op":%d,"d":null}`, op), false)
			answer := "accepted"
			for f, ok := c.Next(); ok; f, ok = c.Next() {
				answer = "answered"
				if f.Kind == world.FrameClose {
					answer = fmt.Sprintf("close %d", binary.BigEndian.Uint16(f.Data))
				}
			}
			s.print("%s, op %d (%v): %s", name, op, op, answer)
		}
	}
}

// everyCloseCode closes a running session with each code.
func (s *harness) everyCloseCode() {
	before := s.trace.String()
	var out strings.Builder
	for _, code := range closecode.All() {
		if code == closecode.HeartbeatAckNotReceived || code == closecode.Abnormal {
			continue // never on the wire
		}
		s.world = open(s.t, world.WithGuilds(0, 1))
		s.cast = nil
		s.connect([]string{"c"})
		s.exchange()
		s.trace.Reset()
		require.NoError(s.t, s.world.Inject(s.now, s.cast[0].conn.SessionID(), world.Fault{Kind: world.Close, Code: code}))
		s.exchange()
		out.WriteString(s.trace.String())
	}
	s.trace.Reset()
	s.trace.WriteString(before + out.String())
}
