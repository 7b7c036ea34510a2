package gatewayshard

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/command"
)

// Between two connections a voice state waits for the next one.
func TestUpdateVoiceStateWaits(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		n := newNetwork(t)
		s := testShard(t, n, nil)
		state := command.VoiceState{GuildID: 1, ChannelID: 2}
		require.ErrorIs(t, s.UpdateVoiceState(t.Context(), state), ErrNotConnected, "Run is not running")
		ctx, stop := context.WithCancel(t.Context())
		done := run(ctx, s)
		p := <-n.peers
		sent := make(chan error, 1)
		update := func(ctx context.Context) {
			go func() { sent <- s.UpdateVoiceState(ctx, state) }()
			synctest.Wait()
		}
		update(t.Context()) // before READY
		p.serve()
		require.EqualValues(t, 4, p.read().Op)
		require.NoError(t, <-sent)

		p.nc.Close()
		synctest.Wait()
		short, end := context.WithTimeout(t.Context(), time.Nanosecond)
		update(short)
		end()
		require.ErrorIs(t, <-sent, ErrNotConnected)
		update(t.Context())
		p = <-n.peers
		p.hello(time.Minute)
		p.expect(6)
		p.send(`{"op":0,"s":3,"t":"RESUMED","d":{}}`)
		require.EqualValues(t, 4, p.read().Op)
		require.NoError(t, <-sent)

		p.nc.Close()
		synctest.Wait()
		update(t.Context())
		stop()
		require.ErrorIs(t, <-sent, ErrNotConnected, "Run has ended")
		<-done
	})
}
