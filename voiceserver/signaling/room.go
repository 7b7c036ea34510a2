package signaling

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/snowflake"
)

// A room is a channel with members.
type room struct {
	srv      *Server
	id       channelKey
	port     int // over which its audio goes
	bitrate  int // zero: any
	members  []*member
	talking  []*session // those that selected a protocol, in that order
	delivery Delivery   // nil: not encrypted end to end

	withoutE2EE bool // also if it is required elsewhere
}

// open returns the room that a member enters.
func (v *Server) open(m Member) (*room, error) {
	if r := v.rooms[m.place()]; r != nil {
		return r, nil
	}
	r := &room{srv: v, id: m.place(), port: v.turn % len(v.ports), withoutE2EE: m.WithoutE2EE}
	if v.cfg.delivery != nil && !m.WithoutE2EE {
		var err error
		if r.delivery, err = v.cfg.delivery(m.Channel); err != nil {
			return nil, fmt.Errorf("signaling: delivery service: %w", err)
		}
	}
	v.turn++
	return r, nil
}

// enter puts a member into a room.
func (r *room) enter(m *member) {
	m.room = r
	r.members = append(r.members, m)
	r.srv.rooms[r.id] = r
}

// exit is the inverse of enter.
func (r *room) exit(m *member) {
	r.members = slices.DeleteFunc(r.members, func(o *member) bool { return o == m })
	if len(r.members) == 0 {
		delete(r.srv.rooms, r.id)
		delete(r.srv.waiting, r)
	}
}

// joinCall answers a client that selected a protocol. The first time it takes
// part from then on: it and the others learn of each other, and who speaks.
// Libraries that receive audio need to know whose it is.
func (r *room) joinCall(now time.Time, s *session, e2ee uint16) {
	s.send(now, opcode.VoiceSessionDescription, s.description(e2ee))
	if s.talking {
		return
	}
	others := r.talking
	r.talking = append(slices.Clip(others), s)
	s.talking = true
	if len(others) > 0 {
		ids := make([]snowflake.ID, len(others))
		for i, o := range others {
			ids[i] = o.member.User
		}
		s.send(now, opcode.VoiceClientsConnect, encoded(gateway.VoiceClientsConnect{UserIDs: ids}))
	}
	for _, o := range others {
		o.send(now, opcode.VoiceClientsConnect, encoded(gateway.VoiceClientsConnect{UserIDs: []snowflake.ID{s.member.User}}))
		if o.spoke {
			s.send(now, opcode.VoiceSpeaking, o.speech())
		}
		if s.spoke {
			o.send(now, opcode.VoiceSpeaking, s.speech())
		}
	}
}

// leaveCall is the inverse of joinCall.
func (r *room) leaveCall(now time.Time, s *session) {
	s.talking = false
	r.talking = slices.DeleteFunc(slices.Clone(r.talking), func(o *session) bool { return o == s })
	for _, o := range r.talking {
		o.send(now, opcode.VoiceClientDisconnect, encoded(gateway.VoiceClientDisconnect{UserID: s.member.User}))
	}
	if r.delivery != nil {
		r.deliver(now, r.delivery.Leave(now, s.member.User))
	}
}

// announce tells the others how a client speaks.
func (r *room) announce(now time.Time, s *session) {
	if !s.talking {
		return // joinCall does it
	}
	for _, o := range r.talking {
		if o != s {
			o.send(now, opcode.VoiceSpeaking, s.speech())
		}
	}
}

// encoded encodes what is known to be encodable.
func encoded(v any) []byte {
	b, _ := json.Marshal(v) // numbers, ids and lists of them
	return b
}
