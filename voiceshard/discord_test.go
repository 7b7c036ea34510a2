package voiceshard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/command"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/snowflake"
)

const (
	guild   snowflake.ID = 41771983423143937
	lobby   snowflake.ID = 127121515262115840
	cellar  snowflake.ID = 127121515262115841
	bot     snowflake.ID = 104694319306248192
	other   snowflake.ID = 104694319306248193
	theHost              = "voice.example:443"
)

// A discord is a main gateway and its voice servers, in virtual time and
// scripted by the test.
type discord struct {
	t     *testing.T
	voice *Voice

	mu       sync.Mutex
	commands []command.VoiceState
	answer   func(v command.VoiceState) // default: introduce
	servers  map[string]*server         // by endpoint
	sessions int
	refuse   func(endpoint string) error // dialing fails
}

// run starts a test in virtual time.
func run(t *testing.T, test func(t *testing.T, d *discord), options ...Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := &discord{t: t, servers: make(map[string]*server)}
		d.answer = d.introduce
		d.server(theHost)
		var err error
		d.voice, err = New(GatewayFunc(d.update), bot, append([]Option{
			WithNetDial(d.dial), WithMediaDial(d.dialMedia),
			WithStateOptions(gateway.WithVoiceJitter(func() float64 { return 0.5 })),
		}, options...)...)
		require.NoError(t, err)
		defer d.end()
		test(t, d)
	})
}

// end closes everything, so that a test which fails does so quietly.
func (d *discord) end() {
	d.onCommand(nil)
	if err := d.voice.Close(d.t.Context()); err != nil {
		d.t.Error(err)
	}
	for _, s := range d.servers {
		s.close()
	}
	synctest.Wait()
}

// server returns the voice server at an endpoint.
func (d *discord) server(endpoint string) *server {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.servers[endpoint]
	if s == nil {
		s = &server{d: d, endpoint: endpoint, ssrc: 1000 * uint32(len(d.servers)+1), addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(len(d.servers) + 1)}), 50000)}
		s.handle = s.serve
		d.servers[endpoint] = s
	}
	return s
}

// update is the command of the main gateway.
func (d *discord) update(_ context.Context, v command.VoiceState) error {
	d.mu.Lock()
	d.commands = append(d.commands, v)
	answer := d.answer
	d.mu.Unlock()
	if answer != nil {
		answer(v)
	}
	return nil
}

func (d *discord) sent() []command.VoiceState {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]command.VoiceState(nil), d.commands...)
}

// onCommand replaces the answer to commands.
func (d *discord) onCommand(answer func(v command.VoiceState)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.answer = answer
}

// onDial makes dialing fail.
func (d *discord) onDial(refuse func(endpoint string) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refuse = refuse
}

// introduce answers as Discord does.
func (d *discord) introduce(v command.VoiceState) {
	d.mu.Lock()
	d.sessions++
	session, token := fmt.Sprintf("session-%d", d.sessions), fmt.Sprintf("token-%d", d.sessions)
	d.mu.Unlock()
	if v.ChannelID == 0 {
		d.state(0, session)
		return
	}
	d.state(v.ChannelID, session)
	d.named(theHost, token)
}

// state says where the bot is.
func (d *discord) state(channel snowflake.ID, session string) {
	data, _ := json.Marshal(map[string]any{"guild_id": guild, "user_id": bot, "channel_id": channel, "session_id": session})
	d.voice.HandleEvent(event.VoiceStateUpdate, data)
}

// named says which voice server it is; empty: none.
func (d *discord) named(endpoint, token string) {
	m := map[string]any{"guild_id": guild, "token": token, "endpoint": nil}
	if endpoint != "" {
		d.server(endpoint)
		m["endpoint"] = "ws://" + endpoint
	}
	data, _ := json.Marshal(m)
	d.voice.HandleEvent(event.VoiceServerUpdate, data)
}

// join joins the lobby.
func (d *discord) join() *Session {
	d.t.Helper()
	s, err := d.voice.Join(d.t.Context(), guild, lobby)
	require.NoError(d.t, err)
	return s
}

func (d *discord) dial(_ context.Context, _, addr string) (net.Conn, error) {
	d.mu.Lock()
	s, refuse := d.servers[addr], d.refuse
	d.mu.Unlock()
	if refuse != nil {
		if err := refuse(addr); err != nil {
			return nil, err
		}
	}
	if s == nil {
		return nil, errors.New("no such host")
	}
	ours, theirs := net.Pipe()
	go s.accept(theirs)
	return ours, nil
}

func (d *discord) dialMedia(_ context.Context, addr netip.AddrPort) (net.Conn, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.servers {
		if s.addr == addr {
			ours, theirs := net.Pipe()
			s.mu.Lock()
			s.media = append(s.media, theirs)
			s.mu.Unlock()
			go s.serveMedia(theirs)
			return ours, nil
		}
	}
	return nil, errors.New("no such address")
}
