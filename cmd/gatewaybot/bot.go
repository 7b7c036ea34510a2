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
	"github.com/discordpkg/gateway/ratelimit"
)

// A bot is one run of the program.
type bot struct {
	*options
	log     *slog.Logger
	discord *localDiscord // nil with a token
	cutter  *cutter
	journal *journal
	raw     *rawWriter // nil without -json
	shards  []*gatewayshard.Shard
	started time.Time
	stop    context.CancelCauseFunc // ends the run, nil if as it should
}

const (
	settleTime = 10 * time.Second // for what is on its way at the end
	closeTime  = 5 * time.Second
)

var errTimeUp = errors.New("time is up")

// addShards makes the shards, which share the limit on identifies.
func (b *bot) addShards(to place) error {
	options, err := b.wire()
	if err != nil {
		return err
	}
	config := gatewayshard.Config{
		NetDial:        b.cutter.dial,
		PayloadHandler: b.handle,
		Logger:         slog.New(alarm{next: b.log.Handler(), raise: b.warned}),
	}
	if b.discord != nil {
		config.Backoff.Min = 250 * time.Millisecond
	}
	options = append(options, gateway.WithURL(to.url), gateway.WithIntents(b.intents), gateway.WithShardCount(b.options.shards),
		gateway.WithIdentifyRateLimiter(ratelimit.NewIdentify(to.maxConcurrency)))
	for id := range b.options.shards {
		shard, err := config.NewShard(gateway.ShardID(id), to.token, nil, options...)
		if err != nil {
			return err
		}
		b.shards = append(b.shards, shard)
	}
	return nil
}

// handle is called by the loops of the shards. All events are counted, whether
// they are to be shown or not: a number that is missing is an event that is lost.
func (b *bot) handle(id gateway.ShardID, p *gateway.GatewayPayload) {
	session := b.journal.note(id, p)
	switch p.EventName {
	case event.Ready:
		b.log.Info("READY", "shard", id, "session", session, "seq", p.Seq)
	case event.Resumed:
		b.log.Info("RESUMED", "shard", id, "seq", p.Seq)
	}
	if b.raw == nil || b.filter && !b.events.Has(p.EventName) {
		return
	}
	if err := b.raw.write(id, p); err != nil {
		b.stop(err)
	}
}

// warned is called when a shard warns. That connections break, whether cut or
// announced by Discord, is what the bot is here to show.
func (b *bot) warned(text string, err error) {
	if !b.soak || routine(err) || lost(err) && b.cutter.explain() {
		return
	}
	b.stop(&warning{text, err})
}

// live runs the shards until the time is up, ctx ends, or something is wrong,
// which is returned.
func (b *bot) live(ctx context.Context, d display) (*result, error) {
	alive, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	b.stop, b.started = stop, time.Now()

	var running sync.WaitGroup
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	for _, s := range b.shards {
		running.Go(func() {
			if err := s.Run(life); err != nil && life.Err() == nil {
				stop(err)
			}
		})
	}
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
	b.closeShards(ctx)
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
	if b.journal.wait(ctx, func(e *entries) bool { return len(e.ledger.open) == len(b.shards) }) == nil {
		b.log.Info("cutting the connection", "shards", len(b.shards))
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
		again := e.resumes + max(0, e.readies-len(b.shards))
		return again >= b.cutter.count() && (b.discord == nil || e.ledger.missing(b.discord.sent()) == 0)
	})
}

// closeShards ends the sessions.
func (b *bot) closeShards(ctx context.Context) {
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
	defer cancel()
	var closing sync.WaitGroup
	for _, s := range b.shards {
		closing.Go(func() { _ = s.Close(limit, gatewayshard.EndSession) }) // cut if it takes too long
	}
	closing.Wait()
}
