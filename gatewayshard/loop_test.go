package gatewayshard

import (
	"context"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/event"
)

const testURL = "ws://gateway.test/?v=10&encoding=json"

func noProxy(*http.Request) (*url.URL, error) { return nil, nil }

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestZombieIsLeft(t *testing.T) { synctest.Test(t, testZombieIsLeft) }
func testZombieIsLeft(t *testing.T) {
	n := newNetwork(t)
	s := testShard(t, n, nil)
	_, err := s.Dial(t.Context(), "")
	require.NoError(t, err)
	p := <-n.peers
	var beats []time.Duration
	start := time.Now()
	go func() {
		p.serve()
		for {
			m := p.read()
			if m.Op == 1 {
				beats = append(beats, time.Since(start))
				if len(beats) < 3 {
					p.send(`{"op":11}`)
				}
			}
			if m.Err != nil {
				return
			}
		}
	}()
	err = s.EventLoop(t.Context())
	synctest.Wait()
	var de *gateway.DiscordError
	require.ErrorAs(t, err, &de)
	require.Equal(t, closecode.HeartbeatAckNotReceived, de.CloseCode)
	require.ErrorIs(t, err, gateway.ErrZombie)
	require.Equal(t, 20625*time.Millisecond+3*41250*time.Millisecond, time.Since(start), "beats %v", beats)
	session, ok := s.Session()
	require.True(t, ok, "a zombie keeps its session")
	require.Equal(t, "abc", session.ID)
}

func TestEventsInOrder(t *testing.T) { synctest.Test(t, testEventsInOrder) }
func testEventsInOrder(t *testing.T) {
	n := newNetwork(t)
	var got []string
	s := testShard(t, n, func(_ gateway.ShardID, e event.Type, data gateway.RawMessage) {
		got = append(got, string(e)+string(data))
	})
	_, err := s.Dial(t.Context(), "")
	require.NoError(t, err)
	p := <-n.peers
	go func() {
		p.serve()
		p.event(2)
		p.event(3)
		p.closeWith(4000)
		p.drain()
	}()
	err = s.EventLoop(context.Background())
	var de *gateway.DiscordError
	require.ErrorAs(t, err, &de)
	require.Equal(t, closecode.UnknownError, de.CloseCode)
	require.Len(t, got, 3)
	require.Equal(t, `MESSAGE_CREATE{"id":"3"}`, got[2])
}
