package contestant

import (
	"context"
	"net/url"
	"runtime"
	"sync"

	"github.com/bwmarrin/discordgo"
	"github.com/gorilla/websocket"
)

// endpoint guards the variable in which discordgo keeps the address of Discord.
var endpoint sync.Once

// discordgoSession is discordgo without its cache and, since it would else
// start a goroutine for each event, with handlers in order.
func discordgoSession(_ context.Context, j Job, mark func()) error {
	s, err := discordgo.New("Bot " + Token)
	if err != nil {
		return err
	}
	endpoint.Do(func() {
		discordgo.EndpointGateway = "http://" + j.Server.Plain + "/gateway?url=" + url.QueryEscape(j.url())
	})
	s.StateEnabled = false
	s.SyncEvents = true
	s.Compress = j.Compress == "payload"
	s.Identify.Intents = discordgo.IntentsAll
	if j.TLS {
		config, err := j.tls()
		if err != nil {
			return err
		}
		s.Dialer = &websocket.Dialer{TLSClientConfig: config, HandshakeTimeout: websocket.DefaultDialer.HandshakeTimeout}
	}
	s.AddHandler(func(*discordgo.Session, *discordgo.UserUpdate) { mark() })
	if j.Handler == Message {
		s.AddHandler(func(_ *discordgo.Session, m *discordgo.MessageCreate) { runtime.KeepAlive(m) })
	}
	return s.Open()
}
