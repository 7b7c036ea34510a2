package caller

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/discordpkg/gateway/bench/voice/server"
	"github.com/discordpkg/gateway/command"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/snowflake"
	"github.com/discordpkg/gateway/voiceshard"
)

// shard is voiceshard, with a main gateway that is a function call away.
type shard struct {
	at    server.Address
	voice *voiceshard.Voice
	taps  chan *Tap     // for the call that is being opened
	conns chan net.Conn // of that call
}

type shardCall struct {
	session *voiceshard.Session
	conn    net.Conn
}

func newGateway(at server.Address) (*shard, error) {
	config, err := at.TLS()
	if err != nil {
		return nil, err
	}
	s := &shard{at: at, taps: make(chan *Tap, 1), conns: make(chan net.Conn, 1)}
	s.voice, err = voiceshard.New(voiceshard.GatewayFunc(s.command), 1,
		voiceshard.WithTLS(config), voiceshard.WithMediaDial(s.dial), voiceshard.WithoutE2EE())
	if err != nil {
		return nil, err
	}
	return s, nil
}

// command answers a command of the main gateway.
func (s *shard) command(_ context.Context, v command.VoiceState) error {
	if v.ChannelID == 0 {
		return nil
	}
	state, server := server.Introduction(s.at.Host, id(uint64(v.GuildID)), id(uint64(v.ChannelID)))
	s.voice.HandleEvent(event.VoiceStateUpdate, state)
	s.voice.HandleEvent(event.VoiceServerUpdate, server)
	return nil
}

func id(n uint64) string { return strconv.FormatUint(n, 10) }

// tapped is a socket with a tap.
type tapped struct {
	net.Conn
	tap *Tap
}

func (t tapped) Write(b []byte) (int, error) {
	t.tap.packet(len(b))
	return t.Conn.Write(b)
}

func (s *shard) dial(ctx context.Context, server netip.AddrPort) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "udp", server.String())
	if err != nil {
		return nil, err
	}
	select {
	case tap := <-s.taps:
		if tap != nil {
			conn = tapped{conn, tap}
		}
		s.conns <- conn
	default: // a call that was open already connects again
	}
	return conn, nil
}

// Open joins.
func (s *shard) Open(ctx context.Context, guild int, tap *Tap) (Call, error) {
	s.taps <- tap
	session, err := s.voice.Join(ctx, snowflake.ID(guild), snowflake.ID(guild)) //nolint:gosec // hundreds
	if err != nil {
		return nil, err
	}
	return &shardCall{session: session, conn: <-s.conns}, nil
}

func (c *shardCall) Send(frame []byte) error {
	_, err := c.session.Write(frame)
	return err
}

// Receive takes what was said.
func (c *shardCall) Receive(ctx context.Context, n int) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	watchdog := time.AfterFunc(patience, cancel)
	defer watchdog.Stop()
	begin := func() error {
		watchdog.Reset(patience)
		return nil
	}
	return bursts(c.conn, n, begin, func() error {
		p, err := c.session.Receive(ctx)
		if ctx.Err() != nil || err == nil && p.Verdict != voiceshard.OK {
			return ErrLost
		}
		return err
	})
}

// endless is a source of one frame.
type endless struct{ frame []byte }

func (e endless) ReadFrame() ([]byte, error) { return e.frame, nil }

func (c *shardCall) Play(ctx context.Context, frame []byte) error {
	_, err := c.session.Play(ctx, endless{frame})
	return err
}
