package signaling

import (
	"time"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/voiceserver/relay"
)

// route tells the relay of a session how it is now.
func (v *Server) route(s *session) {
	if s == nil {
		return
	}
	m := s.member
	v.routes = append(v.routes, relay.Route{
		Port: m.room.port, SSRC: s.ssrc, Backend: m.Backend, Channel: m.Channel, User: m.User,
		Mode: s.mode, Key: s.key, Named: s.named,
		E2EE: s.e2ee > 0, Announced: s.spoke, Muted: m.state.Mute || m.state.Suppress, Deaf: m.state.Deaf,
		Bitrate: m.room.bitrate, Gone: s.over,
	})
}

// HandleReport acts upon what a relay noticed: with 4020 on a client that
// sends audio but no Speaking, with 4006 on one that needs a new key.
//
// https://discord.com/developers/docs/topics/voice-connections#speaking
func (v *Server) HandleReport(now time.Time, r relay.Report) {
	s := v.sessions[r.SSRC]
	if s == nil {
		return
	}
	switch r.Kind {
	case relay.ReportUnannounced:
		if s.spoke {
			return // just now
		}
		if s.conn != nil {
			s.conn.violation(now, closecode.VoiceBadRequest, "audio without speaking")
		}
		v.end(now, s, closecode.VoiceBadRequest)
	case relay.ReportWornOut:
		v.end(now, s, closecode.VoiceSessionInvalid)
	}
}
