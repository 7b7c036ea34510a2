package gatewayshard

import (
	"context"
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/lifecycle"
)

// A backend answers identify and resume as a script says, on every connection.
type backend struct {
	n          *network
	identifies atomic.Int64
	resumes    atomic.Int64
	refuse     atomic.Bool // cut instead of Hello
	answer     func(p *peer, resume bool)
}

// serve plays until ctx ends.
func (d *backend) serve(ctx context.Context) {
	for {
		select {
		case p := <-d.n.peers:
			go d.play(p)
		case <-ctx.Done():
			return
		}
	}
}

func (d *backend) play(p *peer) {
	defer p.nc.Close()
	if d.refuse.Load() {
		return
	}
	p.hello(41250 * time.Millisecond)
	for {
		switch m := p.read(); {
		case m.Err != nil:
			return
		case m.Close != 0:
			p.closeWith(m.Close)
		case m.Op == 1:
			p.send(`{"op":11}`)
		case m.Op == 2:
			d.identifies.Add(1)
			go d.answer(p, false)
		case m.Op == 6:
			d.resumes.Add(1)
			go d.answer(p, true)
		}
	}
}

func (p *peer) resumed() { p.send(`{"op":0,"s":null,"t":"RESUMED","d":{}}`) }

// login answers as Discord does when all is well.
func (p *peer) login(resume bool) {
	if resume {
		p.resumed()
	} else {
		p.ready(1)
	}
}

// day runs a shard for a day.
func (d *backend) day(t *testing.T, c Config, options ...gateway.Option) (s *Shard, err error) {
	d.n = newNetwork(t)
	s = configured(t, d.n, c, nil, options...)
	ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
	defer cancel()
	serving, stop := context.WithCancel(context.Background())
	go d.serve(serving)
	err = s.Run(ctx)
	stop()
	time.Sleep(2 * time.Minute) // the other side ends too
	return s, err
}

// TestDay breaks a lone shard's sessions in every way for a day: the limit of
// 1,000 identifies is never used up.
func TestDay(t *testing.T) {
	garbage := func(p *peer) { p.send("}{") }
	later := func(do func(*peer)) func(*peer, bool) {
		return func(p *peer, resume bool) { p.login(resume); time.Sleep(61 * time.Second); do(p) }
	}
	atOnce := func(do func(*peer)) func(*peer, bool) {
		return func(p *peer, resume bool) { p.login(resume); do(p) }
	}
	op9 := func(p *peer) { p.send(`{"op":9,"d":false}`) }
	op7 := func(p *peer) { p.send(`{"op":7,"d":null}`) }
	closed := func(code int) func(*peer) { return func(p *peer) { p.closeWith(code) } }
	answers := map[string]func(*peer, bool){
		"op 9 instead of READY":       func(p *peer, _ bool) { op9(p) },
		"op 7 instead of READY":       func(p *peer, _ bool) { op7(p) },
		"4000 instead of READY":       func(p *peer, _ bool) { p.closeWith(4000) },
		"silence instead of READY":    func(*peer, bool) {},
		"op 9 at once":                atOnce(op9),
		"op 9 after 61 s":             later(op9),
		"4009 at once":                atOnce(closed(4009)),
		"4009 after 61 s":             later(closed(4009)),
		"4007 after 61 s":             later(closed(4007)),
		"garbage at once":             atOnce(garbage),
		"garbage behind an old event": atOnce(func(p *peer) { p.event(2); garbage(p) }),
		"op 7 behind an old event":    atOnce(func(p *peer) { p.event(2); op7(p) }),
		"every resume refused": func(p *peer, resume bool) {
			if resume {
				op9(p)
				return
			}
			p.ready(1)
			time.Sleep(61 * time.Second)
			p.closeWith(4000)
		},
	}
	for _, name := range slices.Sorted(maps.Keys(answers)) {
		bubble(t, name, func(t *testing.T) {
			d := &backend{answer: answers[name]}
			s, err := d.day(t, Config{})
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.LessOrEqual(t, d.identifies.Load(), int64(950))
			require.NotZero(t, d.identifies.Load())
			t.Logf("%d identifies, %d resumes, %d failures in a row", d.identifies.Load(), d.resumes.Load(), s.Stats().Failures)
		})
	}
}

// TestSpentBudget looks at a shard that has no identify left.
func TestSpentBudget(t *testing.T) {
	broken := func(p *peer, _ bool) { p.ready(1); time.Sleep(61 * time.Second); p.send(`{"op":9,"d":false}`) }
	ten := lifecycle.WithBudget(lifecycle.WithStarts(10))
	bubble(t, "waits, and says so", func(t *testing.T) {
		shared, err := NewShared(ten)
		require.NoError(t, err)
		d := &backend{n: newNetwork(t), answer: broken}
		s := configured(t, d.n, Config{Shared: shared}, nil)
		serving, stop := context.WithCancel(context.Background())
		go d.serve(serving)
		done := run(t.Context(), s)
		time.Sleep(12 * time.Hour)
		stats := s.Stats()
		require.Equal(t, int64(9), d.identifies.Load(), "one is reserved")
		require.Equal(t, lifecycle.BecauseBudget, stats.Waits)
		require.Greater(t, time.Until(stats.WaitsTill), 11*time.Hour)
		shared.Use(func(m *lifecycle.Shared) { require.Equal(t, 9, m.Budget().Used(time.Now())) })
		time.Sleep(13 * time.Hour)
		require.Greater(t, d.identifies.Load(), int64(9), "there is room again")
		require.NoError(t, s.Close(t.Context(), KeepSession))
		require.NoError(t, <-done)
		stop()
		time.Sleep(2 * time.Minute)
	})
	bubble(t, "is an error if wanted", func(t *testing.T) {
		shared, err := NewShared(ten)
		require.NoError(t, err)
		d := &backend{answer: broken}
		_, err = d.day(t, Config{Shared: shared, IdentifyLimitError: true})
		var limit *IdentifyLimitError
		require.ErrorAs(t, err, &limit)
		require.Greater(t, time.Until(limit.RetryAt), 20*time.Hour)
		require.ErrorContains(t, err, "used up until")
	})
	bubble(t, "does not hold up a resume", func(t *testing.T) {
		shared, err := NewShared(ten)
		require.NoError(t, err)
		shared.Use(func(m *lifecycle.Shared) {
			for range 9 {
				m.Identified(time.Now(), 7)
			}
		})
		d := &backend{answer: (*peer).login}
		s, err := d.day(t, Config{Shared: shared}, gateway.WithSession(gateway.Session{ID: "abc", Seq: 3}))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, uint64(1), s.Stats().Resumes)
	})
}

// TestDeadSession refuses every RESUME of a session that Discord has lost in
// every way that does not say so. The bot is back within minutes.
func TestDeadSession(t *testing.T) {
	refusals := map[string]func(*peer){
		"cut":      func(p *peer) { p.nc.Close() },
		"no code":  func(p *peer) { p.frame(8, "") },
		"1000":     func(p *peer) { p.closeWith(1000) },
		"1011":     func(p *peer) { p.closeWith(1011) },
		"1012":     func(p *peer) { p.closeWith(1012) },
		"4000":     func(p *peer) { p.closeWith(4000) },
		"4003":     func(p *peer) { p.closeWith(4003) },
		"4006":     func(p *peer) { p.closeWith(4006) },
		"4008":     func(p *peer) { p.closeWith(4008) },
		"4009":     func(p *peer) { p.closeWith(4009) },
		"4900":     func(p *peer) { p.closeWith(4900) },
		"op 7":     func(p *peer) { p.send(`{"op":7,"d":null}`) },
		"op 9":     func(p *peer) { p.send(`{"op":9,"d":false}`) },
		"op 9 yes": func(p *peer) { p.send(`{"op":9,"d":true}`) },
		"silence":  func(*peer) {},
	}
	for _, name := range slices.Sorted(maps.Keys(refusals)) {
		bubble(t, name, func(t *testing.T) {
			var back time.Duration
			start := time.Now()
			d := &backend{answer: func(p *peer, resume bool) {
				if resume {
					refusals[name](p)
					return
				}
				back = time.Since(start)
				p.ready(1)
			}}
			s, err := d.day(t, Config{}, gateway.WithSession(gateway.Session{ID: "dead", ResumeURL: "ws://resume.test", Seq: 9}))
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Equal(t, int64(1), d.identifies.Load())
			require.LessOrEqual(t, back, 5*time.Minute)
			if name != "4009" && name != "op 9" { // those say that it is lost
				require.GreaterOrEqual(t, d.resumes.Load(), int64(3))
				require.GreaterOrEqual(t, back, time.Minute)
				require.Equal(t, uint64(1), s.Stats().Abandoned)
			}
			synctest.Wait()
		})
	}
}
