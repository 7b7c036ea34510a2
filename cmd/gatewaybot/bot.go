package main

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewayshard"
	"github.com/discordpkg/gateway/sharding"
)

// A bot is one run of the program.
type bot struct {
	*options
	log      *slog.Logger
	discord  *localDiscord // nil with a token
	sessions *sessionFile  // nil without -store
	cutter   *cutter
	journal  *journal
	raw      *rawWriter // nil without -json
	group    *sharding.Group
	total    uint // shards
	buckets  uint // of shards that identify one after the other
	started  time.Time
	stop     context.CancelCauseFunc // ends the run, nil if as it should
}

const (
	settleTime = 10 * time.Second // for what is on its way at the end
	closeTime  = 5 * time.Second
	maxTold    = 16 // shards whose sessions are worth a line each
)

var errTimeUp = errors.New("time is up")

// addGroup makes the group of shards.
func (b *bot) addGroup(to place, discovery sharding.Discovery) (err error) {
	options, err := b.wire()
	if err != nil {
		return err
	}
	b.total, b.buckets = to.total, to.buckets
	config := sharding.Config{
		Shard: gatewayshard.Config{
			NetDial: b.cutter.dial,
			Logger:  slog.New(alarm{next: b.log.Handler(), raise: b.warned}),
		},
		Total:            to.total,
		MaxConcurrency:   to.buckets,
		Discovery:        discovery,
		Handler:          b.handle,
		IdentifyInterval: to.interval,

		StopAtSessionLimit: true, // a person is told, and starts it again
	}
	if to.ask {
		config.MaxConcurrency = 0 // then the group minds the session start limit
	}
	if b.discord != nil && b.total == 1 { // of many it is nice to see some that wait
		config.Shard.Backoff.Min = 250 * time.Millisecond
	}
	if b.sessions != nil {
		config.Store, config.StoreKey = b.sessions.store, b.sessions.key
	}
	b.group, err = config.NewGroup(to.token, append(options, gateway.WithURL(to.url), gateway.WithIntents(b.intents))...)
	return err
}

// handle is called by the shards. All events are counted, whether they are to
// be shown or not: a number that is missing is an event that is lost.
func (b *bot) handle(ctx context.Context, e sharding.Event) error {
	b.journal.note(e)
	level := slog.LevelInfo
	if b.total > maxTold {
		level = slog.LevelDebug
	}
	switch e.Name {
	case event.Ready:
		b.log.Log(ctx, level, "READY", "shard", e.Shard, "session", e.Session, "seq", e.Seq)
	case event.Resumed:
		b.log.Log(ctx, level, "RESUMED", "shard", e.Shard, "seq", e.Seq)
	}
	if b.raw == nil || b.filter && !b.events.Has(e.Name) {
		return nil
	}
	if err := b.raw.write(e); err != nil {
		b.stop(err)
	}
	return nil
}

// warned is called when a shard warns. That connections break, whether cut or
// announced by Discord, is what the bot is here to show. But that a cut breaks
// the connections of a fleet is not worth a line each.
func (b *bot) warned(text string, err error) (expected bool) {
	if lost(err) && b.cutter.explain() {
		return b.total > maxTold
	}
	if b.soak && !routine(err) {
		b.stop(&warning{text, err})
	}
	return false
}

// live runs the group until the time is up, ctx ends, or something is wrong,
// which is returned.
func (b *bot) live(ctx context.Context, d display) (*result, error) {
	alive, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	b.stop, b.started = stop, time.Now()

	var running sync.WaitGroup
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	running.Go(func() {
		if err := b.group.Run(life); err != nil && life.Err() == nil {
			stop(err)
		}
	})
	cutDone := make(chan struct{})
	running.Go(func() { defer close(cutDone); b.cutOnce(alive) })

	timed, cancel := alive, context.CancelFunc(func() {})
	if b.length > 0 {
		timed, cancel = context.WithTimeoutCause(alive, b.length, errTimeUp)
	}
	rates := newRateMeter(b.started)
	b.watch(timed, d, rates)
	d.close()
	cancel()

	err := failure(ctx, alive)
	if err == nil {
		b.settle(ctx, cutDone)
		err = failure(ctx, alive)
	}
	r := b.result(rates)
	err = errors.Join(err, b.closeGroup(ctx))
	end()
	stop(nil)
	running.Wait()
	return r, errors.Join(err, b.verdict(ctx, r))
}

// failure returns what went wrong, nil if nothing did: that the user
// interrupts is fine.
func failure(ctx, alive context.Context) error {
	if alive.Err() == nil || ctx.Err() != nil && errors.Is(context.Cause(alive), context.Cause(ctx)) {
		return nil
	}
	return context.Cause(alive)
}

// watch shows the bot until ctx ends.
func (b *bot) watch(ctx context.Context, d display, rates *rateMeter) {
	ticker := time.NewTicker(d.period())
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			d.show(b.view(now, rates))
			if b.soak {
				b.inspect()
			}
		}
	}
}

// inspect ends a soak if an event is lost or a rule broken.
func (b *bot) inspect() {
	err := b.eventsErr(b.look())
	if b.discord != nil {
		err = errors.Join(err, b.discord.breach())
	}
	if err != nil {
		b.stop(err)
	}
}

// cutOnce cuts the connections when it is time and every shard has a session.
func (b *bot) cutOnce(ctx context.Context) {
	if b.cut == 0 {
		return
	}
	timer := time.NewTimer(b.cut)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return
	}
	if b.journal.wait(ctx, func(e *entries) bool { return len(e.begun) == int(b.total) }) == nil {
		b.log.Info("cutting the connection", "shards", b.total)
		b.journal.look(func(e *entries) { e.cut, e.before = true, e.resumes })
		b.cutter.cut()
	}
}

// settle ends the traffic and waits for what is on its way: the cut and the
// session after it, and events that were sent.
func (b *bot) settle(ctx context.Context, cutDone <-chan struct{}) {
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	if b.discord != nil {
		b.discord.quiet()
	}
	select {
	case <-cutDone:
	case <-limit.Done():
	}
	// The verdict tells what did not come.
	_ = b.journal.wait(limit, func(e *entries) bool {
		return e.again() >= b.cutter.count() && (b.discord == nil || e.ledger.missing(b.discord.sent()) == 0)
	})
}

// closeGroup ends the sessions, unless the next run is to resume them.
func (b *bot) closeGroup(ctx context.Context) error {
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
	defer cancel()
	if b.sessions != nil {
		return b.group.Close(limit, gatewayshard.KeepSession)
	}
	_ = b.group.Close(limit, gatewayshard.EndSession) // cut if it takes too long
	return nil
}
