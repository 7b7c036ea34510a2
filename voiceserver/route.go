package voiceserver

import (
	"fmt"
	"io"
	"net/netip"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/command"
)

// A Route is what a [Relay] has to know of one client: a [Core] says so
// whenever it changes. Its string forms do not show the key.
type Route struct {
	Port    int    // of the relay, an index into the ports of the core
	SSRC    uint32 // by which the client is known
	Channel command.Snowflake
	User    command.Snowflake

	Mode  string // empty before a protocol is selected: only IP discovery is answered
	Key   gateway.VoiceKey
	Named netip.AddrPort // where the client says that its audio comes from

	Muted bool // nothing of it is forwarded
	Deaf  bool // nothing is forwarded to it
	Gone  bool // forget it; nothing else counts
}

// Format implements [fmt.Formatter] without the key.
func (r Route) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, fmt.Sprintf("voice route of SSRC %d in channel %d, gone %t", r.SSRC, r.Channel, r.Gone))
}

// route tells the relay of a session how it is now.
func (c *Core) route(s *session) {
	if s == nil {
		return
	}
	m := s.member
	c.routes = append(c.routes, Route{
		Port: m.room.port, SSRC: s.ssrc, Channel: m.Channel, User: m.User,
		Mode: s.mode, Key: s.key, Named: s.named,
		Muted: m.state.Mute || m.state.Suppress, Deaf: m.state.Deaf,
		Gone: s.over,
	})
}
