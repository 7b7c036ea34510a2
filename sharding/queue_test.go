package sharding

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewayshard"
)

// TestQueueEndsDuringTheHandover closes a shard while what it held is handed on.
func TestQueueEndsDuringTheHandover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handled := 0
		c := Config{Queue: Queue{Size: 1}, Handler: func(context.Context, Event) error {
			time.Sleep(time.Second)
			handled++
			return nil
		}}
		m := testMember(t, c)
		h, err := newChangeover(m.gen, m.gen, ReshardConfig{Overlap: time.Minute, Hold: 100})
		require.NoError(t, err)
		h.old = nil
		m.gen.group.changeover.Store(h)
		for seq := range int64(5) {
			m.receive(0, &gateway.GatewayPayload{EventName: event.MessageCreate, Data: []byte(`{}`), Seq: seq + 1})
		}
		stop := m.startQueue()
		released := make(chan struct{})
		go func() { h.release(); close(released) }()
		synctest.Wait()
		stop()
		<-released
		require.NotZero(t, handled)
		require.False(t, m.progress.Idle(5), "what is not handled any more is left for the next process")
		require.EqualValues(t, handled, m.progress.Acknowledged())
	})
}

// TestHandoverIsCutShort closes the group while held events are handed on:
// those that are left come again with the next process.
func TestHandoverIsCutShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handled := 0
		m := testMember(t, Config{Handler: func(context.Context, Event) error {
			time.Sleep(time.Second)
			handled++
			return nil
		}})
		g := m.gen.group
		h, err := newChangeover(m.gen, m.gen, ReshardConfig{Overlap: time.Minute, Hold: 100})
		require.NoError(t, err)
		h.old = nil
		g.changeover.Store(h)
		for seq := range int64(100) {
			m.receive(0, &gateway.GatewayPayload{EventName: event.MessageCreate, Data: []byte(`{}`), Seq: seq + 1})
		}
		released := make(chan struct{})
		go func() { h.release(); close(released) }()
		time.Sleep(1500 * time.Millisecond)
		require.NoError(t, g.Close(t.Context(), gatewayshard.KeepSession))
		<-released
		require.Equal(t, 2, handled)
		require.EqualValues(t, 2, m.progress.Acknowledged())
		require.True(t, m.progress.Stuck())
	})
}

func TestStatsWhileShardsStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := testMember(t, Config{Queue: Queue{Size: 1}})
		started := make(chan func())
		go func() { started <- m.startQueue() }()
		require.Zero(t, m.stats().Queued)
		(<-started)()
	})
}
