package caller

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	botgateway "github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/disgo/voice"
	"github.com/disgoorg/godave"
	"github.com/disgoorg/snowflake/v2"
	"github.com/gorilla/websocket"

	"github.com/discordpkg/gateway/bench/voice/server"
)

// disgo is its voice.Conn, which needs no bot. End-to-end encryption it has
// none by default.
type disgo struct{ at server.Address }

type disgoCall struct {
	conn    voice.Conn
	control net.Conn
}

// tappedUDP is its socket with a tap.
type tappedUDP struct {
	voice.UDPConn
	tap *Tap
}

func (t tappedUDP) Write(b []byte) (int, error) {
	t.tap.packet(len(b))
	return t.UDPConn.Write(b)
}

// Open joins.
func (d *disgo) Open(ctx context.Context, guild int, tap *Tap) (Call, error) {
	config, err := d.at.TLS()
	if err != nil {
		return nil, err
	}
	silent := slog.New(slog.DiscardHandler)
	udp := func(e2ee godave.Session, user voice.SsrcLookupFunc, options ...voice.UDPConnConfigOpt) voice.UDPConn {
		conn := voice.NewUDPConn(e2ee, user, options...)
		if tap != nil {
			conn = tappedUDP{conn, tap}
		}
		return conn
	}
	var conn voice.Conn
	introduce := func(_ context.Context, guild snowflake.ID, channel *snowflake.ID, _, _ bool) error {
		if channel == nil {
			return nil
		}
		return introduce(conn, d.at.Host, guild, *channel)
	}
	conn = voice.NewConn(snowflake.ID(guild), 1, introduce, func() {}, //nolint:gosec // hundreds
		voice.WithConnLogger(silent), voice.WithConnDaveSessionLogger(silent), voice.WithUDPConnCreateFunc(udp),
		voice.WithConnGatewayConfigOpts(voice.WithGatewayDialer(&websocket.Dialer{TLSClientConfig: config})))
	if err := conn.Open(ctx, snowflake.ID(guild), false, false); err != nil { //nolint:gosec // hundreds
		return nil, fmt.Errorf("caller: %w", err)
	}
	control, err := net.Dial("udp", d.at.Media)
	return &disgoCall{conn: conn, control: control}, err
}

// introduce is what the main gateway of disgo does.
func introduce(conn voice.Conn, host string, guild, channel snowflake.ID) error {
	state, server := server.Introduction(host, guild.String(), channel.String())
	var stateUpdate botgateway.EventVoiceStateUpdate
	var serverUpdate botgateway.EventVoiceServerUpdate
	if err := errors.Join(json.Unmarshal(state, &stateUpdate), json.Unmarshal(server, &serverUpdate)); err != nil {
		return fmt.Errorf("caller: %w", err)
	}
	conn.HandleVoiceStateUpdate(stateUpdate)
	conn.HandleVoiceServerUpdate(serverUpdate)
	return nil
}

func (c *disgoCall) Send(frame []byte) error {
	_, err := c.conn.UDP().Write(frame)
	return err
}

// Receive reads packets as its audio receiver does.
func (c *disgoCall) Receive(_ context.Context, n int) error {
	udp := c.conn.UDP()
	begin := func() error { return udp.SetReadDeadline(time.Now().Add(patience)) }
	return bursts(c.control, n, begin, func() error {
		_, err := udp.ReadPacket()
		return lost(err)
	})
}

// provider is a source of one frame.
type provider struct{ frame []byte }

func (p provider) ProvideOpusFrame() ([]byte, error) { return p.frame, nil }
func (provider) Close()                              {}

// Play lets its audio sender do it.
func (c *disgoCall) Play(_ context.Context, frame []byte) error {
	c.conn.SetOpusFrameProvider(provider{frame})
	return nil
}
