package gatewaytest_test

import (
	"errors"
	"testing"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewaytest"
	"github.com/discordpkg/gateway/opcode"
	"github.com/gobwas/ws"
	"github.com/stretchr/testify/require"
)

// running returns a server and a client with a session.
func running(t *testing.T, options ...gateway.Option) (*gatewaytest.Server, *client) {
	t.Helper()
	srv := gatewaytest.NewServer(gatewaytest.WithGuilds(0, 1))
	t.Cleanup(srv.Close)
	c := connect(t, srv, options...)
	c.until(event.Ready)
	return srv, c
}

// A connection that is cut at any byte of a message resumes without loss.
func TestCutAtEveryByte(t *testing.T) {
	srv, c := running(t)
	var whole, cut int
	for after := range 60 {
		require.NoError(t, srv.Inject(gatewaytest.Fault{Kind: gatewaytest.Cut, After: after}))
		if after > 0 {
			_, err := srv.Dispatch(event.UserUpdate, `{"id":"1234"}`)
			require.NoError(t, err)
		}
		seq := c.state.SequenceNumber()
		require.NoError(t, srv.Inject(gatewaytest.Fault{Kind: gatewaytest.Cut, After: 0}))
		require.Error(t, c.end())
		if c.state.SequenceNumber() > seq {
			whole++
		} else {
			cut++
		}
		session, ok := c.state.Session()
		require.True(t, ok)
		c = connect(t, srv, gateway.WithSession(session))
		c.until(event.Resumed)
		require.Equal(t, srv.Sessions()[0].Seq, c.state.SequenceNumber(), "after a cut at byte %d", after)
		require.Zero(t, c.state.Missed())
	}
	require.Positive(t, cut)
	require.Empty(t, srv.Violations())
}

func TestFaultsOnAConnection(t *testing.T) {
	tests := map[string]struct {
		fault gatewaytest.Fault
		check func(t *testing.T, err error)
	}{
		"close": {gatewaytest.Fault{Kind: gatewaytest.Close, Code: closecode.ShardingRequired}, func(t *testing.T, err error) {
			var d *gateway.DiscordError
			require.ErrorAs(t, err, &d)
			require.False(t, d.CanReconnect())
		}},
		"close without code": {gatewaytest.Fault{Kind: gatewaytest.Close, Code: closecode.NoStatus}, func(t *testing.T, err error) {
			var d *gateway.DiscordError
			require.ErrorAs(t, err, &d)
			require.True(t, d.CanReconnect())
		}},
		"close with a code not for the wire": {gatewaytest.Fault{Kind: gatewaytest.Close, Code: closecode.Abnormal}, func(t *testing.T, err error) {
			var d *gateway.DiscordError
			require.ErrorAs(t, err, &d)
			require.Equal(t, closecode.UnknownError, d.CloseCode)
		}},
		"reconnect": {gatewaytest.Fault{Kind: gatewaytest.Reconnect}, func(t *testing.T, err error) {
			var d *gateway.DiscordError
			require.ErrorAs(t, err, &d)
			require.Equal(t, opcode.Reconnect, d.OpCode)
		}},
		"garbage": {gatewaytest.Fault{Kind: gatewaytest.Garbage}, func(t *testing.T, err error) {
			require.ErrorIs(t, err, gateway.ErrMalformed)
		}},
		"giant": {gatewaytest.Fault{Kind: gatewaytest.Giant, Size: 70_000}, func(t *testing.T, err error) {
			var large *gateway.MessageTooLargeError
			require.ErrorAs(t, err, &large)
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			srv, c := running(t, gateway.WithMessageLimit(65_536))
			require.NoError(t, srv.Inject(test.fault))
			test.check(t, c.end())
			require.NoError(t, srv.Wait(testContext(t), func(s gatewaytest.Stats) bool { return s.Open == 0 }))
			require.Equal(t, 1, srv.Stats().Faults)
		})
	}
}

func TestFaultsWait(t *testing.T) {
	srv, c := running(t)
	require.NoError(t, srv.Inject(gatewaytest.Fault{Kind: gatewaytest.Reconnect, After: 2}))
	for range 3 {
		_, err := srv.Dispatch(event.UserUpdate, `{}`)
		require.NoError(t, err)
	}
	c.until(event.UserUpdate)
	c.until(event.UserUpdate)
	_, err := c.next()
	require.Error(t, err)
}

func TestStallDripAndInvalid(t *testing.T) {
	srv, c := running(t)
	require.NoError(t, srv.Inject(gatewaytest.Fault{Kind: gatewaytest.Stall, For: 20 * time.Millisecond}))
	_, err := srv.Dispatch(event.UserUpdate, `{"n":1}`)
	require.NoError(t, err)
	require.JSONEq(t, `{"n":1}`, string(c.until(event.UserUpdate).Data))

	require.NoError(t, srv.Inject(gatewaytest.Fault{Kind: gatewaytest.Drip, Every: time.Microsecond}))
	_, err = srv.Dispatch(event.UserUpdate, `{"n":2}`)
	require.NoError(t, err)
	require.JSONEq(t, `{"n":2}`, string(c.until(event.UserUpdate).Data))

	require.NoError(t, srv.Inject(gatewaytest.Fault{Kind: gatewaytest.InvalidSession}))
	p, err := c.next()
	require.NoError(t, err)
	require.Equal(t, opcode.InvalidSession, p.Op)
	require.Empty(t, srv.Sessions())
	require.ErrorIs(t, srv.Inject(gatewaytest.Fault{Kind: gatewaytest.Cut}, "gone"), gatewaytest.ErrNoConnection)
	require.Error(t, srv.Inject(gatewaytest.Fault{Kind: gatewaytest.Refuse}, "gone"))
	require.Error(t, srv.InjectNext(gatewaytest.Fault{Kind: "rain"}, 1))
}

func TestZombieTakesMessagesAndAnswersNothing(t *testing.T) {
	srv, c := running(t)
	require.NoError(t, srv.Inject(gatewaytest.Fault{Kind: gatewaytest.Zombie}))
	c.write(`{"op":1,"d":1}`)
	require.NoError(t, srv.Wait(testContext(t), func(s gatewaytest.Stats) bool { return s.Messages == 2 }))
	require.Zero(t, srv.Stats().Heartbeats)
	require.Equal(t, 1, srv.Stats().Open)
}

func TestRefusedDials(t *testing.T) {
	srv, c := running(t)
	session, _ := c.state.Session()
	require.NoError(t, srv.InjectNext(gatewaytest.Fault{Kind: gatewaytest.DeadResume}, 1))
	require.NoError(t, srv.InjectNext(gatewaytest.Fault{Kind: gatewaytest.Refuse, Status: 502}, 1))

	refused := func(url string, status int) {
		_, _, _, err := ws.Dial(testContext(t), url)
		var e ws.StatusError
		require.True(t, errors.As(err, &e), "%v", err)
		require.EqualValues(t, status, e)
	}
	refused(session.ResumeURL+"?v=10&encoding=json", 503)
	refused(srv.DialURL, 502)
	c = connect(t, srv, gateway.WithSession(session))
	c.until(event.Resumed)
}

func TestNextConnection(t *testing.T) {
	srv := gatewaytest.NewServer(gatewaytest.WithIdentifyInterval(0))
	defer srv.Close()
	require.NoError(t, srv.InjectNext(gatewaytest.Fault{Kind: gatewaytest.Close, Code: closecode.Restart, After: 1}, 2))
	for range 2 {
		var d *gateway.DiscordError
		require.ErrorAs(t, connect(t, srv).end(), &d)
		require.Equal(t, closecode.Restart, d.CloseCode)
	}
}
