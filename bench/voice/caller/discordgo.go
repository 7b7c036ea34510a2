package caller

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/gorilla/websocket"

	"github.com/discordpkg/gateway/bench/voice/server"
)

// discordgoBot is a session of discordgo, which has no other way into a call.
// It speaks the protocol of years ago, xsalsa20_poly1305 without a version.
type discordgoBot struct {
	at      server.Address
	session *discordgo.Session
	open    func() error // once
}

type discordgoCall struct {
	conn    *discordgo.VoiceConnection
	control net.Conn
}

func newDiscordgo(at server.Address) (*discordgoBot, error) {
	config, err := at.TLS()
	if err != nil {
		return nil, err
	}
	s, err := discordgo.New("Bot token")
	if err != nil {
		return nil, fmt.Errorf("caller: %w", err)
	}
	discordgo.EndpointGateway = "https://" + at.Host + "/gateway"
	s.LogLevel = -1
	s.Client = &http.Client{Transport: &http.Transport{TLSClientConfig: config}}
	s.Dialer = &websocket.Dialer{TLSClientConfig: config}
	return &discordgoBot{at: at, session: s, open: sync.OnceValue(s.Open)}, nil
}

// Open joins. It cannot be tapped: nobody gets hold of its socket.
func (d *discordgoBot) Open(_ context.Context, guild int, _ *Tap) (Call, error) {
	if err := d.open(); err != nil {
		return nil, fmt.Errorf("caller: %w", err)
	}
	conn, err := d.session.ChannelVoiceJoin(fmt.Sprint(guild), fmt.Sprint(guild), false, false)
	if err != nil {
		return nil, fmt.Errorf("caller: %w", err)
	}
	control, err := net.Dial("udp", d.at.Media)
	return &discordgoCall{conn: conn, control: control}, err
}

// Send cannot be: its sender waits for a ticker.
func (*discordgoCall) Send([]byte) error { return ErrPaced }

// Receive takes packets from the channel into which its receiver puts them.
func (c *discordgoCall) Receive(_ context.Context, n int) error {
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	begin := func() error {
		timeout.Reset(patience)
		return nil
	}
	return bursts(c.control, n, begin, func() error {
		select {
		case <-c.conn.OpusRecv:
			return nil
		case <-timeout.C:
			return ErrLost
		}
	})
}

// Play hands frames to its sender, which has a ticker.
func (c *discordgoCall) Play(ctx context.Context, frame []byte) error {
	go func() {
		for {
			select {
			case c.conn.OpusSend <- frame:
			case <-ctx.Done():
				return
			}
		}
	}()
	return nil
}
