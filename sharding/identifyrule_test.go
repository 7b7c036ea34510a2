package sharding_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewayshard"
	"github.com/discordpkg/gateway/gatewaytest"
	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/sharding"
)

// identified returns when identifies came.
func (d *discord) identified() (at []time.Time) {
	for _, c := range d.Commands() {
		if c.Op == opcode.Identify {
			at = append(at, c.At)
		}
	}
	return at
}

// TestMassLossOfSessions has Discord end all sessions at once: shards wait for
// their turn before they dial, as at a start.
func TestMassLossOfSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const shards = 60
		d := newDiscord(t, gatewaytest.WithShards(shards), gatewaytest.WithRecord(1000))
		g, err := d.config().NewGroup("token", gateway.WithIntents(messages))
		require.NoError(t, err)
		done := run(t.Context(), g)
		_, err = d.WaitSessions(t.Context(), shards)
		require.NoError(t, err)
		for _, s := range d.Sessions() {
			require.NoError(t, d.Inject(gatewaytest.Fault{Kind: gatewaytest.InvalidSession}, s.ID))
		}
		lost, most := time.Now(), 0
		for d.Stats().Identifies < 2*shards {
			time.Sleep(100 * time.Millisecond)
			phases := g.Stats().Phases
			if time.Since(lost) > 10*time.Second { // the old connections are gone
				most = max(most, phases[gatewayshard.Connected]+phases[gatewayshard.Waiting])
			}
		}
		require.LessOrEqual(t, most, 2, "shards that wait with an open connection")
		require.Less(t, time.Since(lost), shards*5200*time.Millisecond)
		require.NoError(t, g.Close(t.Context(), gatewayshard.EndSession))
		require.NoError(t, <-done)
		require.Empty(t, d.Violations())
	})
}

// An api answers GET /gateway/bot.
type api struct {
	bot func() string
	n   atomic.Int32
}

func (a *api) RoundTrip(r *http.Request) (*http.Response, error) {
	a.n.Add(1)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Request: r, Body: io.NopCloser(strings.NewReader(a.bot()))}, nil
}

// bot is an answer to GET /gateway/bot.
func (d *discord) bot(shards, concurrency int) string {
	return fmt.Sprintf(`{"url":"%s","shards":%d,"session_start_limit":{"total":1000,"remaining":1000,"reset_after":0,"max_concurrency":%d}}`,
		strings.Replace(d.URL, "http", "ws", 1), shards, concurrency)
}

// TestReshardTakesTheNewConcurrency has Discord change max_concurrency while a
// group runs, in both directions.
func TestReshardTakesTheNewConcurrency(t *testing.T) {
	for _, c := range []struct {
		before, after int
		least, most   time.Duration
	}{{1, 16, 0, 6 * time.Second}, {16, 1, 75 * time.Second, 80 * time.Second}} {
		virtually(t, fmt.Sprint(c.before, " to ", c.after), func(t *testing.T) {
			d := newDiscord(t, gatewaytest.WithMaxConcurrency(16), gatewaytest.WithRecord(1000))
			concurrency := c.before
			conf := d.config()
			conf.Discovery.Client = &http.Client{Transport: &api{bot: func() string { return d.bot(1, concurrency) }}}
			g, err := conf.NewGroup("token", gateway.WithIntents(messages))
			require.NoError(t, err)
			done := run(t.Context(), g)
			_, err = d.WaitSessions(t.Context(), 1)
			require.NoError(t, err)
			time.Sleep(time.Minute)
			concurrency = c.after
			require.NoError(t, g.Reshard(t.Context(), 16))
			at := d.identified()
			require.Len(t, at, 17)
			took := at[16].Sub(at[1])
			require.GreaterOrEqual(t, took, c.least)
			require.LessOrEqual(t, took, c.most)
			require.NoError(t, g.Close(t.Context(), gatewayshard.EndSession))
			require.NoError(t, <-done)
		})
	}
}

// TestReshardWaitsForASessionThatIsLostMeanwhile has a new shard lose its session
// during the overlap: what it misses is in no replay, so the old shards go on.
func TestReshardWaitsForASessionThatIsLostMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, g, got, done := pair(t, func(c *sharding.Config) { c.IdentifyInterval = 20 * time.Second }, gatewaytest.WithIdentifyInterval(0))
		resharded := make(chan error)
		go func() { resharded <- g.Reshard(t.Context(), 4) }()
		var next []gatewaytest.SessionInfo
		require.NoError(t, d.Wait(t.Context(), func(s gatewaytest.Stats) bool { return s.Identifies == 6 }))
		synctest.Wait()
		for _, s := range d.Sessions() {
			if s.ShardCount == 4 {
				next = append(next, s)
			}
		}
		require.Len(t, next, 4)
		time.Sleep(9 * time.Second)
		require.NoError(t, d.Inject(gatewaytest.Fault{Kind: gatewaytest.InvalidSession}, next[3].ID))
		time.Sleep(4 * time.Second)
		require.Equal(t, "sharding: shards 0 to 1 of 2", g.String(), "the old ones are needed")
		d.say(t, 3, "meanwhile")
		require.NoError(t, <-resharded)
		require.Equal(t, []string{"meanwhile"}, got.texts(event.MessageCreate))
		require.NoError(t, g.Close(t.Context(), gatewayshard.EndSession))
		require.NoError(t, <-done)
	})
}

// A reserver hands out turns after a while, and writes down what becomes of them.
type reserver struct {
	takes  time.Duration // each call
	ahead  time.Duration // from the answer to the turn
	refuse []error       // the first answers

	mu  sync.Mutex
	log []string
}

func (r *reserver) note(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.log = append(r.log, fmt.Sprintf(format, args...))
}

// lines returns what was written down.
func (r *reserver) lines() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.log...)
}

func (r *reserver) Reserve(ctx context.Context, shard gateway.ShardID) (sharding.Turn, error) {
	select {
	case <-time.After(r.takes):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.refuse) > 0 {
		err := r.refuse[0]
		r.refuse = r.refuse[1:]
		return nil, err
	}
	return &turn{r, shard, time.Now().Add(r.ahead)}, nil
}

type turn struct {
	*reserver
	shard gateway.ShardID
	at    time.Time
}

func (t *turn) At() time.Time { return t.at }
func (t *turn) Spent(at time.Time) {
	time.Sleep(t.takes)
	t.note("%d spent %v after its time", t.shard, at.Sub(t.at))
}
func (t *turn) Answered(time.Time) { t.note("%d answered", t.shard) }
func (t *turn) Release()           { t.note("%d released", t.shard) }

func TestIdentifyReserver(t *testing.T) {
	config := func(d *discord, r *reserver) sharding.Config {
		c := d.config()
		c.IdentifyReserver = r
		return c
	}
	virtually(t, "turns are used", func(t *testing.T) {
		d := newDiscord(t, gatewaytest.WithIdentifyInterval(0), gatewaytest.WithShards(2), gatewaytest.WithHeartbeat(10*time.Second, time.Second))
		r := &reserver{takes: 30 * time.Second, ahead: time.Minute, refuse: []error{errors.New("the network is down")}}
		g, err := config(d, r).NewGroup("token", gateway.WithIntents(messages))
		require.NoError(t, err)
		done := run(t.Context(), g)
		time.Sleep(85 * time.Second)
		require.Zero(t, d.Stats().Connections, "a shard connects just before its turn")
		asked := time.Now()
		g.Stats()
		require.Zero(t, time.Since(asked), "a reserver that takes its time holds nothing up")
		_, err = d.WaitSessions(t.Context(), 2)
		require.NoError(t, err)
		time.Sleep(time.Minute)
		require.ElementsMatch(t, []string{"0 spent 0s after its time", "0 answered", "1 spent 0s after its time", "1 answered"}, r.lines())
		require.NoError(t, g.Close(t.Context(), gatewayshard.EndSession))
		require.NoError(t, <-done)
		require.Empty(t, d.Violations())
	})
	virtually(t, "turns are given back", func(t *testing.T) {
		d := newDiscord(t, gatewaytest.WithIdentifyInterval(0))
		r := &reserver{ahead: 10 * time.Second}
		c := config(d, r)
		c.Total, c.MaxConcurrency = 1, 1
		g, err := c.NewGroup("token", gateway.WithIntents(messages), gateway.WithURL(d.DialURL))
		require.NoError(t, err)
		done := run(t.Context(), g)
		time.Sleep(9 * time.Second)
		require.NoError(t, d.InjectNext(gatewaytest.Fault{Kind: gatewaytest.Cut}, 1))
		require.NoError(t, g.Close(t.Context(), gatewayshard.EndSession))
		require.NoError(t, <-done)
		require.Equal(t, []string{"0 released"}, r.lines())
	})
	virtually(t, "no session starts are left", func(t *testing.T) {
		for _, stop := range []bool{false, true} {
			d := newDiscord(t, gatewaytest.WithIdentifyInterval(0))
			until := time.Now().Add(time.Hour)
			r := &reserver{refuse: []error{&sharding.SessionLimitError{Needed: 1, Total: 1000, ResetAt: until}}}
			c := config(d, r)
			c.StopAtSessionLimit = stop
			g, err := c.NewGroup("token", gateway.WithIntents(messages))
			require.NoError(t, err)
			done := run(t.Context(), g)
			if stop {
				var limit *sharding.SessionLimitError
				require.ErrorAs(t, <-done, &limit)
				continue
			}
			time.Sleep(30 * time.Minute)
			require.Equal(t, until, g.Stats().LimitedUntil)
			_, err = d.WaitSessions(t.Context(), 1)
			require.NoError(t, err)
			require.False(t, time.Now().Before(until))
			require.NoError(t, g.Close(t.Context(), gatewayshard.EndSession))
			require.NoError(t, <-done)
		}
	})
}
