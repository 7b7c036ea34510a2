package voiceserver

import (
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/snowflake"
)

// A Route is what a [Relay] has to know of one client: a [Core] says so
// whenever it changes. Its string forms do not show the key.
type Route struct {
	Port    int    // of the relay, an index into the ports of the core
	SSRC    uint32 // by which the client is known
	Backend string // whose channel it is
	Channel snowflake.ID
	User    snowflake.ID

	Mode  string // empty before a protocol is selected: only IP discovery is answered
	Key   gateway.VoiceKey
	Named netip.AddrPort // where the client says that its audio comes from

	E2EE      bool // it offers end-to-end encryption
	Announced bool // it said how it speaks
	Muted     bool // nothing of it is forwarded
	Deaf      bool // nothing is forwarded to it
	Bitrate   int  // in bits per second that it may send, zero for any
	Gone      bool // forget it; nothing else counts
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
		Port: m.room.port, SSRC: s.ssrc, Backend: m.Backend, Channel: m.Channel, User: m.User,
		Mode: s.mode, Key: s.key, Named: s.named,
		E2EE: s.e2ee > 0, Announced: s.spoke, Muted: m.state.Mute || m.state.Suppress, Deaf: m.state.Deaf,
		Bitrate: m.room.bitrate, Gone: s.over,
	})
}

// A ReportKind is what a relay notices and a core must act upon.
type ReportKind uint8

// The kinds of reports.
const (
	ReportUnannounced ReportKind = iota + 1 // the client sends audio without having said how it speaks
	ReportWornOut                           // no nonces are left to send to the client
)

// A Report tells of a client, see [Relay.Reports].
type Report struct {
	SSRC uint32
	Kind ReportKind
}

// HandleReport acts upon what a relay noticed: with 4020 on a client that
// sends audio but no Speaking, with 4006 on one that needs a new key.
//
// https://discord.com/developers/docs/topics/voice-connections#speaking
func (c *Core) HandleReport(now time.Time, r Report) {
	s := c.sessions[r.SSRC]
	if s == nil {
		return
	}
	switch r.Kind {
	case ReportUnannounced:
		if s.spoke {
			return // just now
		}
		if s.conn != nil {
			s.conn.violation(now, closecode.VoiceBadRequest, "audio without speaking")
		}
		c.end(now, s, closecode.VoiceBadRequest)
	case ReportWornOut:
		c.end(now, s, closecode.VoiceSessionInvalid)
	}
}
