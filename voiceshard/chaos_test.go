package voiceshard

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/command"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/snowflake"
)

// chaos is what happens to one call, at random.
type chaos struct {
	*discord
	*rand.Rand
	s *Session

	mu       sync.Mutex // guards what follows
	answers  *rand.Rand
	n        int // makes names
	endpoint string
	last     chan struct{} // closed when the last command was answered
}

// A pause is short mostly, and long enough for every deadline sometimes.
func (c *chaos) pause() {
	d := time.Duration(c.Float64() * float64(300*time.Millisecond))
	if c.IntN(8) == 0 {
		d *= 100
	}
	time.Sleep(d)
}

// answer introduces after a while, in either order, or not at all; but one
// command after the other, as Discord does.
func (c *chaos) answer(v command.VoiceState) {
	c.mu.Lock()
	lost, swapped, first, second := c.answers.IntN(10) == 0, c.answers.IntN(2) == 0, c.answers.IntN(200), c.answers.IntN(200)
	last, done := c.last, make(chan struct{})
	c.last = done
	c.mu.Unlock()
	session, token := c.name()
	go func() {
		defer close(done)
		if last != nil {
			<-last
		}
		if lost {
			return
		}
		time.Sleep(time.Duration(first) * time.Millisecond)
		if v.ChannelID == 0 {
			c.state(0, session)
			return
		}
		if swapped {
			c.named(c.host(), token)
		} else {
			c.state(v.ChannelID, session)
		}
		time.Sleep(time.Duration(second) * time.Millisecond)
		if swapped {
			c.state(v.ChannelID, session)
		} else {
			c.named(c.host(), token)
		}
	}()
}

// name returns names nobody had before.
func (c *chaos) name() (session, token string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	return fmt.Sprint("session-", c.n), fmt.Sprint("token-", c.n)
}

// host returns the voice server of the moment.
func (c *chaos) host() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.endpoint
}

// elsewhere chooses another voice server.
func (c *chaos) elsewhere() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.endpoint = fmt.Sprintf("voice-%d.example:1", c.IntN(3))
	return c.endpoint
}

// happens does one thing.
func (c *chaos) happens() {
	host := c.server(c.host()).last()
	session, token := c.name()
	switch c.IntN(10) {
	case 0, 1, 2:
		if host != nil {
			codes := []int{0, 1000, 1006, 4006, 4009, 4014, 4015, 4015, 4020, 4022}
			host.close(codes[c.IntN(len(codes))])
		}
	case 3: // moved by somebody
		c.state([]snowflake.ID{lobby, cellar}[c.IntN(2)], session)
		c.named(c.elsewhere(), token)
	case 4: // another server
		c.named(c.elsewhere(), token)
	case 5:
		c.named("", "none")
		c.pause()
		c.named(c.host(), token)
	case 6:
		c.voice.HandleEvent(event.Ready, fmt.Appendf(nil, `{"user":{"id":"%d"},"guilds":[{"id":"%d"}]}`, bot, guild))
	case 7:
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(c.IntN(2000))*time.Millisecond)
		defer cancel()
		_ = c.s.Move(ctx, []snowflake.ID{lobby, cellar}[c.IntN(2)])
	case 8: // the network is away
		c.onDial(func(string) error { return errors.New("network is unreachable") })
		c.pause()
		c.onDial(nil)
	case 9: // a server that stops halfway
		s := c.server(c.host())
		s.onMessage(func(cl *client, m gateway.VoiceMessage) {
			if m.Op != opcode.VoiceSelectProtocol && m.Op != opcode.VoiceResume {
				s.serve(cl, m)
			}
		})
		c.pause()
		s.onMessage(s.serve)
	}
}

// Whatever happens, in whatever order, a call speaks again or has ended with a
// reason; nothing hangs.
func TestChaos(t *testing.T) {
	calls := 100
	if testing.Short() {
		calls = 20
	}
	ended := 0
	for seed := range calls {
		run(t, func(t *testing.T, d *discord) {
			c := &chaos{discord: d, Rand: rand.New(rand.NewPCG(uint64(seed), 1)), answers: rand.New(rand.NewPCG(uint64(seed), 2)), endpoint: theHost}
			c.s = d.join()
			defer time.Sleep(time.Minute) // until what was asked for is answered
			d.onCommand(c.answer)
			for range 20 {
				c.happens()
				c.pause()
				_, _ = c.s.Write(opus(1))
			}
			d.onCommand(func(v command.VoiceState) {
				if session, token := c.name(); v.ChannelID != 0 {
					d.state(v.ChannelID, session)
					d.named(c.host(), token)
				}
			})
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
			defer cancel()
			err := c.s.Ready(ctx)
			if err != nil {
				require.NoError(t, ctx.Err(), "seed %d: %v: %v", seed, c.s, err)
				ended++
				typed := false
				for _, e := range []error{ErrDisconnected, ErrUnreachable, ErrNoServer} {
					typed = typed || errors.Is(err, e)
				}
				require.True(t, typed, "seed %d: %v", seed, err)
				return
			}
			_, err = c.s.Write(opus(2))
			require.NoError(t, err, "seed %d", seed)
		})
	}
	t.Logf("%d of %d calls have ended", ended, calls)
}
