package sharding

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/event"
)

// testMember is a shard of a group that is not connected.
func testMember(t testing.TB, c Config) *member {
	g, err := c.NewGroup("token")
	require.NoError(t, err)
	g.identify = testQueue(1)
	gen, err := g.newGeneration(0, plan{total: 1, count: 1})
	require.NoError(t, err)
	gen.handlerCtx = context.Background()
	return gen.all()[0]
}

func TestGroupsDispatchWithoutAllocating(t *testing.T) {
	calls := 0
	m := testMember(t, Config{Handler: func(context.Context, Event) error { calls++; return nil }})
	p := &gateway.GatewayPayload{EventName: event.MessageCreate, Data: []byte(`{}`)}
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		p.Seq++
		m.receive(0, p)
	}))
	require.Equal(t, 1001, calls)
	require.Equal(t, p.Seq, m.progress.Acknowledged())
}

func BenchmarkGroupDispatch(b *testing.B) {
	m := testMember(b, Config{Handler: func(context.Context, Event) error { return nil }})
	p := &gateway.GatewayPayload{EventName: event.MessageCreate, Data: []byte(`{}`)}
	b.ReportAllocs()
	for b.Loop() {
		p.Seq++
		m.receive(0, p)
	}
}
