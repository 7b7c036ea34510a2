package voiceshard

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/command"
	"github.com/discordpkg/gateway/snowflake"
)

// slowGateway is a main gateway that may send few commands, once it is slow.
type slowGateway struct {
	mu    sync.Mutex
	slow  bool
	taken []snowflake.ID
}

func (g *slowGateway) slowDown() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.slow = true
}

func (g *slowGateway) all() []snowflake.ID {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.taken)
}

func (g *slowGateway) wait(ctx context.Context, v command.VoiceState) error {
	g.mu.Lock()
	slow := g.slow
	g.mu.Unlock()
	if slow && v.ChannelID != 0 {
		select {
		case <-time.After(30 * time.Second):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.taken = append(g.taken, v.ChannelID)
	return nil
}

// A move, or anything else that waits for the main gateway, does not bring the
// bot back after it has left.
func TestNothingFollowsTheFarewell(t *testing.T) {
	for name, act := range map[string]func(ctx context.Context, s *Session) error{
		"move":     func(ctx context.Context, s *Session) error { return s.Move(ctx, cellar) },
		"set self": func(ctx context.Context, s *Session) error { return s.SetSelf(ctx, true, true) },
		"ready":    func(_ context.Context, s *Session) error { s.input(s.life.HandleGateway); <-s.Done(); return s.Err() },
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(t *testing.T, d *discord) {
				g := new(slowGateway)
				d.voice.gw = GatewayFunc(func(ctx context.Context, v command.VoiceState) error {
					if err := g.wait(ctx, v); err != nil {
						return err
					}
					return d.update(ctx, v)
				})
				s := d.join()
				g.slowDown()
				failed := make(chan error, 1)
				go func() { failed <- act(context.Background(), s) }()
				sleep(time.Second)
				start := time.Now()
				require.NoError(t, s.Leave(t.Context()))
				require.Zero(t, time.Since(start), "what waited is not waited for")
				require.ErrorIs(t, <-failed, ErrLeft)
				sleep(time.Minute)
				require.Equal(t, []snowflake.ID{lobby, 0}, g.all())
			})
		})
	}
}

// Commands of one session do not overtake each other.
func TestCommandsKeepTheirOrder(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		g := new(slowGateway)
		s := d.join()
		d.voice.gw = GatewayFunc(g.wait)
		g.slowDown()
		go func() { _ = s.SetSelf(t.Context(), true, false) }()
		sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, s.SetSelf(ctx, true, true), context.DeadlineExceeded, "its turn has not come")
		require.Empty(t, g.all())
		sleep(time.Minute)
		require.Equal(t, []snowflake.ID{lobby}, g.all())
	})
}

// Who gives up a Join does not end that of somebody else.
func TestAbandonedJoin(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		d.onCommand(nil)
		ctx, cancel := context.WithCancel(t.Context())
		first, second := make(chan error, 1), make(chan error, 1)
		go func() {
			_, err := d.voice.Join(ctx, guild, lobby)
			first <- err
		}()
		sleep(time.Second)
		var s *Session
		go func() {
			var err error
			s, err = d.voice.Join(t.Context(), guild, lobby)
			second <- err
		}()
		sleep(time.Second)
		d.onCommand(d.introduce)
		abandoned := d.voice.Session(guild)
		cancel()
		require.ErrorIs(t, <-first, context.Canceled)
		require.NoError(t, <-second)
		require.Equal(t, Connected, s.Phase())
		require.NotSame(t, abandoned, s)
		require.ErrorIs(t, abandoned.Err(), context.Canceled)
	})
}
