package dave

import (
	"bytes"
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	gateway "github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/snowflake"
)

var seeds = flag.Uint64("seeds", 10, "how many random calls to make of each kind")

func calls() uint64 {
	if testing.Short() {
		return min(*seeds, 4)
	}
	return *seeds
}

// maxCall is how many clients a random call has at most.
const maxCall = 20

// TestRandomCalls lets clients with and without DAVE come and go, lose their
// connection and resume, while messages are under way. Wherever that ends, all
// are in one group and hear each other.
func TestRandomCalls(t *testing.T) {
	for seed := range calls() {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { randomCall(newSim(t, seed), 40) })
	}
}

// TestRandomCallsWithErrors changes proposals, commits and welcomes at random,
// as faulty members and voice servers would. When that ends, all recover.
func TestRandomCallsWithErrors(t *testing.T) {
	for seed := range calls() {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			s := newSim(t, seed+1000)
			flip := func(m gateway.VoiceMessage) gateway.VoiceMessage {
				m.Data = bytes.Clone(m.Data)
				m.Data[2+s.r.IntN(len(m.Data)-2)] ^= 1 << s.r.IntN(8)
				return m
			}
			s.tamper = func(m gateway.VoiceMessage) gateway.VoiceMessage {
				switch m.Op {
				case opcode.DAVEProposals, opcode.DAVEAnnounceCommit, opcode.DAVEWelcome:
					if s.r.IntN(30) == 0 {
						return flip(m)
					}
				}
				return m
			}
			s.mangle = func(m gateway.VoiceMessage) gateway.VoiceMessage {
				if m.Op == opcode.DAVECommitWelcome && s.r.IntN(10) == 0 {
					return flip(m)
				}
				return m
			}
			randomCall(s, 30)
		})
	}
}

func randomCall(s *sim, steps int) {
	s.t.Helper()
	s.latency = []time.Duration{0, 20 * time.Millisecond, 300 * time.Millisecond, 2 * time.Second}[s.r.IntN(4)]
	pause := []time.Duration{10 * time.Millisecond, 200 * time.Millisecond, 3 * time.Second, 20 * time.Second}[s.r.IntN(4)]
	legacy := s.r.IntN(3) == 0 // clients without DAVE
	var gone []*client
	for range steps {
		switch n := s.r.IntN(10); {
		case n < 5 && len(s.clients) < maxCall:
			s.randomJoin(legacy)
		case len(s.clients) == 0:
		case n < 8:
			c := s.clients[s.r.IntN(len(s.clients))]
			s.leave(c)
			gone = append(gone, c)
		default:
			s.cut(s.clients[s.r.IntN(len(s.clients))], time.Duration(s.r.Int64N(int64(2*time.Second))))
		}
		s.run(time.Duration(s.r.Int64N(int64(pause))))
		s.overhear(gone)
		if s.r.IntN(10) == 0 {
			s.settle()
			s.requireCall()
		}
	}
	s.settle()
	s.requireCall()
	s.requireGone(gone)
}

func (s *sim) randomJoin(legacy bool) {
	user := snowflake.ID(1 + s.r.IntN(maxCall+5))
	if s.client(user) != nil {
		return
	}
	version := uint16(1)
	if legacy && s.r.IntN(5) == 0 {
		version = 0
	}
	s.join(user, version)
}

// overhear lets somebody speak in the middle of it all: nobody hears anything
// else, and in clear only while the call is not encrypted for the speaker.
func (s *sim) overhear(gone []*client) {
	if len(s.clients) == 0 {
		return
	}
	from := s.clients[s.r.IntN(len(s.clients))]
	said := fmt.Sprintf("%d speaks at %v", from.user, s.now)
	frame, err := from.session.EncryptFrame(s.now, nil, []byte(said), Opus)
	if err != nil {
		require.ErrorIs(s.t, err, ErrNotReady)
		return
	}
	require.Equal(s.t, from.session.Version() == 0, string(frame) == said)
	for _, to := range append(gone[:len(gone):len(gone)], s.clients...) {
		if to == from || to.version == 0 {
			continue
		}
		heard, err := to.session.DecryptFrame(s.now, from.user, nil, frame)
		if err == nil {
			require.Equal(s.t, said, string(heard))
		}
	}
}

// requireGone checks that who left does not understand any more.
func (s *sim) requireGone(gone []*client) {
	for _, from := range s.clients {
		if from.session.Version() == 0 {
			continue
		}
		frame, err := from.session.EncryptFrame(s.now, nil, []byte("among us"), Opus)
		require.NoError(s.t, err)
		for _, c := range gone {
			_, err := c.session.DecryptFrame(s.now, from.user, nil, frame)
			require.Error(s.t, err)
		}
	}
}
