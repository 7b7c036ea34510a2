package voiceshard

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/command"
)

// slowGateway takes commands whose time has come: the main gateway may send few.
// Which of several that wait goes first is anybody's guess: here the last one.
type slowGateway struct {
	slow  bool
	order []Snowflake
}

func (g *slowGateway) wait(ctx context.Context, v command.VoiceState) error {
	if g.slow && v.ChannelID != 0 {
		select {
		case <-time.After(30 * time.Second):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	g.order = append(g.order, v.ChannelID)
	return nil
}

// A move, or anything else that waits for the main gateway, does not bring the
// bot back after it has left.
func TestNothingFollowsTheFarewell(t *testing.T) {
	for name, act := range map[string]func(ctx context.Context, s *Session) error{
		"move":     func(ctx context.Context, s *Session) error { return s.Move(ctx, cellar) },
		"set self": func(ctx context.Context, s *Session) error { return s.SetSelf(ctx, true, true) },
		"reassert": func(_ context.Context, s *Session) error { s.reassert(); <-s.Done(); return s.Err() },
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
				g.slow = true
				failed := make(chan error, 1)
				go func() { failed <- act(context.Background(), s) }()
				sleep(time.Second)
				start := time.Now()
				require.NoError(t, s.Leave(t.Context()))
				require.Zero(t, time.Since(start), "what waited is not waited for")
				require.ErrorIs(t, <-failed, ErrLeft)
				sleep(time.Minute)
				require.Equal(t, []Snowflake{lobby, 0}, g.order)
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
		g.slow = true
		go func() { _ = s.SetSelf(t.Context(), true, false) }()
		sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, s.SetSelf(ctx, true, true), context.DeadlineExceeded, "its turn has not come")
		require.Empty(t, g.order)
		sleep(time.Minute)
		require.Equal(t, []Snowflake{lobby}, g.order)
	})
}
