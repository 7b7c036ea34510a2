package lvsp_test

import (
	"strings"

	"github.com/discordpkg/gateway/lvsp"
	"github.com/stretchr/testify/require"
)

// runClient performs the commands that concern a client.
func (s *harness) runClient(command string, args []string) {
	if command == "client" {
		s.cast(args)
		return
	}
	a := s.clients[args[0]]
	require.NotNil(s.t, a, "no client %q", args[0])
	args = args[1:]
	var err error
	switch command {
	case "connect":
		a.link = s.server.Accept(s.now)
		a.client.Dialed(s.now)
	case "cut": // both sides notice
		a.link.Lost(s.now)
		a.lose(s, lvsp.AbnormalClosure, "cut")
	case "halfcut": // only the backend notices
		a.lose(s, lvsp.AbnormalClosure, "cut")
	case "undialed":
		a.lose(s, lvsp.AbnormalClosure, "connection refused")
	case "mute":
		a.mute = true
	case "dial":
		a.client.Dialed(s.now)
	case "greet": // by a voice server that is not ours
		a.client.Dialed(s.now)
		a.client.Receive(s.now, []byte(strings.Join(args, " ")))
	case "hear":
		a.client.Receive(s.now, []byte(strings.Join(args, " ")))
	case "big":
		a.client.TooLarge(s.now)
	case "bye":
		a.client.Close()
	case "open":
		err = a.client.OpenChannel(s.now, lvsp.Channel{Guild: s.id(args[0]), ID: s.id(args[1]), Bitrate: s.number(args[2])})
	case "shut":
		err = a.client.CloseChannel(s.now, s.id(args[0]))
	case "join":
		v := lvsp.VoiceState{Guild: s.id(args[0]), Channel: s.id(args[1]), User: s.id(args[2])}
		for _, w := range args[3:] {
			switch {
			case w == "muted":
				v.Flags = lvsp.Mute
			case w == "stage":
				v.WithoutDAVE = true
			default:
				v.SessionID = w
			}
		}
		err = a.client.Join(s.now, v)
	case "flags":
		err = a.client.Update(s.now, s.id(args[0]), s.id(args[1]), lvsp.Flags(s.number(args[2])))
	case "leave":
		err = a.client.Leave(s.now, s.id(args[0]), s.id(args[1]))
	case "wants":
		for _, v := range a.client.VoiceStates() {
			s.print("%s", describe(v))
		}
	default:
		s.t.Fatalf("unknown command %q", command)
	}
	if err != nil {
		s.print("%s: %v", a.name, err)
	}
}

func (s *harness) id(text string) lvsp.Snowflake { return lvsp.Snowflake(s.number(text)) }

func (s *harness) cast(args []string) {
	options := []lvsp.ClientOption{lvsp.WithJitter(func() float64 { return 0.5 })}
	key := secret
	for _, a := range args[1:] {
		k, v, _ := strings.Cut(a, "=")
		switch k {
		case "dialect":
			options = append(options, lvsp.WithDialect(s.dialect(v)))
		case "plain":
			options = append(options, lvsp.WithPlainSecret())
		case "wrong":
			key = []byte("a secret that nobody else knows of")
		case "other":
			key = other
		default:
			s.t.Fatalf("unknown option %q", a)
		}
	}
	c, err := lvsp.NewClient(sealed(key), options...)
	require.NoError(s.t, err)
	s.clients[args[0]] = &actor{name: args[0], client: c}
}
