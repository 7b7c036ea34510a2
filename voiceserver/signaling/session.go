package signaling

import (
	"encoding/binary"
	"io"
	"net/netip"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/opcode"
)

// A session is what a server knows of one client: it outlives connections, and
// remembers what it sent so that it can send it again.
type session struct {
	member *member
	ssrc   uint32
	e2ee   uint16 // the version of end-to-end encryption that the client offers

	mode    string // of the transport encryption, empty before a protocol is selected
	key     gateway.VoiceKey
	named   netip.AddrPort // where the client says that its audio comes from
	talking bool           // it takes part, see room.joinCall

	speaking gateway.SpeakingFlags
	spoke    bool // it said how it speaks

	buffer     replayBuffer
	conn       *Conn     // nil while the client is not connected
	detachedAt time.Time // if conn is nil
	over       bool
}

// begin starts the session of a member. Another one that it has ends.
func (v *Server) begin(now time.Time, m *member, e2ee uint16) (*session, error) {
	ssrc, err := v.newSSRC()
	if err != nil {
		return nil, err
	}
	v.end(now, m.session, closecode.VoiceDisconnected)
	s := &session{member: m, ssrc: ssrc, e2ee: e2ee}
	m.session, v.sessions[ssrc] = s, s
	v.route(s)
	return s, nil
}

// newSSRC returns a number that is not in use and cannot be guessed.
func (v *Server) newSSRC() (uint32, error) {
	for {
		var b [4]byte
		if _, err := io.ReadFull(v.cfg.random, b[:]); err != nil {
			return 0, err
		}
		if ssrc := binary.BigEndian.Uint32(b[:]); ssrc != 0 && v.sessions[ssrc] == nil {
			return ssrc, nil
		}
	}
}

// end ends a session for good, and closes its connection with code.
func (v *Server) end(now time.Time, s *session, code closecode.Voice) {
	if s == nil || s.over {
		return
	}
	s.over = true
	if conn := s.conn; conn != nil {
		conn.session, s.conn = nil, nil
		conn.close(now, code)
	}
	s.member.session = nil
	v.absences.begin(now, s.member)
	delete(v.sessions, s.ssrc)
	v.route(s)
	if s.talking {
		s.member.room.leaveCall(now, s)
	}
	s.buffer = replayBuffer{}
}

// send numbers a message, keeps it for a resume, and sends it if the client is
// connected.
//
// https://discord.com/developers/docs/topics/voice-connections#buffered-resume
func (s *session) send(now time.Time, op opcode.Voice, data []byte) {
	if s.over {
		return
	}
	srv := s.member.room.srv
	seq := s.buffer.next(srv.cfg.firstSeq)
	f := numbered(seq, op, data)
	s.buffer.push(seq, f, srv.cfg.replay)
	srv.stats.Sent++
	if s.conn != nil {
		s.conn.queue(now, f)
	}
}

// detach leaves a session to be resumed.
func (s *session) detach(now time.Time) {
	srv := s.member.room.srv
	s.conn, s.detachedAt = nil, now
	srv.detached = append(srv.detached, detachment{s, now})
}

// description returns the data of Session Description.
func (s *session) description(e2ee uint16) []byte {
	return encoded(gateway.VoiceSessionDescription{Mode: s.mode, SecretKey: s.key, DAVEProtocolVersion: e2ee})
}

// speech returns the data of Speaking, for others.
func (s *session) speech() []byte {
	return encoded(gateway.VoiceSpeaking{Speaking: s.speaking, SSRC: s.ssrc, UserID: s.member.User})
}
