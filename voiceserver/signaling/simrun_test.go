package signaling_test

import (
	"encoding/json"
	"net/netip"
	"testing"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/dave"
	"github.com/discordpkg/gateway/internal/rtp"
	"github.com/discordpkg/gateway/snowflake"
	"github.com/discordpkg/gateway/voiceserver/relay"
	"github.com/stretchr/testify/require"
)

func (p *party) learn(data []byte) {
	var d gateway.VoiceSpeaking
	require.NoError(p.s.t, json.Unmarshal(data, &d))
	if p.users != nil {
		p.users[d.SSRC] = d.UserID
	}
}

// send sends a datagram to the server, one of fifty of which gets lost.
func (p *party) send(data []byte) {
	s := p.s
	if !s.calm && s.rng.IntN(50) == 0 {
		return
	}
	s.after(s.latency(), func() {
		var out relay.Batch
		s.relay.Forward(s.now, p.addr, data, &out)
		require.Empty(s.t, s.relay.Reports())
		for _, d := range out.Datagrams() {
			to, data := s.ports[d.To], d.Data
			if to != nil { // it is still there
				s.after(s.latency(), func() { to.arrive(data) })
			}
		}
	})
}

// talk sends a packet every three seconds for as long as audio can flow.
func (p *party) talk() {
	p.s.after(3*time.Second, p.talk)
	if p.link == nil || !p.link.state.Active() || p.sealer == nil {
		return
	}
	payload := []byte("opus")
	if p.dave != nil {
		var err error
		if payload, err = p.dave.EncryptFrame(p.s.now, nil, payload, dave.Opus); err != nil {
			return // nobody could decrypt it yet
		}
	}
	packet := rtp.Packet{Header: p.stream.Next(3 * 48000), Payload: payload}
	b := make([]byte, packet.Size()+rtp.Overhead)
	n, err := packet.MarshalTo(b)
	require.NoError(p.s.t, err)
	sealed, err := p.sealer.Seal(b[:n])
	require.NoError(p.s.t, err)
	p.send(sealed)
}

func (p *party) arrive(data []byte) {
	if rtp.KindOf(data) == rtp.KindDiscoveryResponse {
		ssrc, addr, err := rtp.ParseDiscoveryResponse(data)
		require.NoError(p.s.t, err)
		if _, described := p.link.state.Description(); ssrc == p.ssrc && !described && !p.link.ended {
			_ = p.link.state.SelectProtocol(pen{p.link, false}, addr.Addr().String(), addr.Port(), string(rtp.AES256GCM))
		}
		return
	}
	var packet rtp.Packet
	if p.opener == nil {
		return
	}
	plain, err := p.opener.Open(data)
	if err != nil || packet.Unmarshal(plain) != nil {
		return // for the session before
	}
	user := p.users[packet.SSRC]
	payload := packet.Payload
	if p.dave != nil && user != 0 {
		if payload, err = p.dave.DecryptFrame(p.s.now, user, nil, payload); err != nil {
			return
		}
	}
	if user != 0 && string(payload) == "opus" {
		p.heard[user] = p.s.now
	}
}

// fault lets something go wrong, again and again.
func (p *party) fault() {
	s := p.s
	if s.calm || p.stopped != nil {
		return
	}
	s.after(time.Duration(20+s.rng.IntN(60))*time.Second, p.fault)
	codes := []int{4006, 4009, 4014, 4015, 4022, 1012}
	switch n := s.rng.IntN(10); {
	case n < 4 && p.link != nil && !p.link.ended:
		s.faults["cut"]++
		p.link.cut()
	case n < 7:
		s.faults["close"]++
		s.core.Close(s.now, p.member.User, closeCode(codes[s.rng.IntN(len(codes))]))
	case n < 9:
		s.faults["stall"]++
		s.core.Stall(s.now, p.member.User, time.Duration(s.rng.IntN(40))*time.Second)
	default:
		s.faults["address"]++
		delete(s.ports, p.addr)
		b := p.addr.Addr().As4()
		b[0]++
		p.addr = netip.AddrPortFrom(netip.AddrFrom4(b), p.addr.Port())
		s.ports[p.addr] = p
	}
	s.settle()
}

// check requires that every call goes on or has ended for a reason.
func (s *sim) check() (talking, stopped int) {
	for _, p := range s.parties {
		if p.stopped != nil {
			require.NotZero(s.t, p.stopped.CloseCode)
			stopped++
			continue
		}
		require.True(s.t, p.link != nil && p.link.state.Active(), "user %d is not in its call", p.member.User)
		talking++
		for _, o := range s.parties {
			if o != p && o.stopped == nil && o.member.Channel == p.member.Channel {
				require.Less(s.t, s.now.Sub(p.heard[o.member.User]), 7*time.Second, "user %d does not hear %d", p.member.User, o.member.User)
			}
		}
	}
	return talking, stopped
}

func simulate(t *testing.T, calls int, e2ee bool, seed uint64) {
	s := newSim(t, seed, e2ee)
	for i := range calls {
		s.add(snowflake.ID(i+1), snowflake.ID(1000+i/4))
	}
	for _, part := range s.parties {
		if part.member.User%3 == 0 {
			s.relay.SetNetwork(relay.Network{Loss: 0.05, Duplicate: 0.05, Padding: 0.3}, part.member.User)
		}
	}
	s.run(2 * time.Minute)
	s.calm = true
	for _, part := range s.parties {
		s.relay.SetNetwork(relay.Network{}, part.member.User)
	}
	s.run(100 * time.Second)
	talking, stopped := s.check()
	stats := s.core.Stats()
	t.Logf("%d talk, %d stopped; %d connections, %d resumes, %d replayed, faults %v, closes %v, relay %+v",
		talking, stopped, stats.Connections, stats.Resumes, stats.Replayed, s.faults, stats.Closes, s.relay.Stats())
	require.Greater(t, talking, calls/2)
	for _, v := range s.core.Violations() {
		require.Contains(t, []string{"no heartbeat", "no session to resume", "unknown token", "resume from a message that is not kept"}, v.Text)
	}
}

// TestSimCalls lets clients live through cut connections, close codes, stalls,
// new addresses and bad networks: in the end everybody hears everybody in the
// same channel, or has stopped for a reason.
func TestSimCalls(t *testing.T) {
	calls := 240
	if testing.Short() {
		calls = 60
	}
	simulate(t, calls, false, 1)
}

// The same, end to end encrypted.
func TestSimEncryptedCalls(t *testing.T) {
	calls := 60
	if testing.Short() {
		calls = 16
	}
	simulate(t, calls, true, 2)
}
