package sharding

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/gatewayshard"
)

const (
	// briefly is how long a group with stored sessions waits for Discord's API
	// before it resumes them without.
	briefly = 5 * time.Second

	outageMinPause = 5 * time.Second
	outageMaxPause = time.Minute
)

// passes reports whether an error of a Discovery may pass by itself: the network
// is down, or the API is.
func passes(err error) bool {
	var refused *DiscoveryError
	var unusable *answerError
	switch {
	case err == nil, errors.As(err, &unusable):
		return false
	case errors.As(err, &refused):
		return refused.Status >= 500 || refused.Status == http.StatusTooManyRequests
	}
	return true
}

// discover asks Discord for what was not given. It returns nil if nothing need
// be asked, and if stored sessions can be resumed while the API does not answer.
func (g *Group) discover(ctx context.Context, stored Checkpoint) (*GatewayBot, error) {
	if !g.asked() {
		return nil, nil
	}
	if !g.resumable(stored) {
		return g.awaitGatewayBot(ctx, g.config.StartTimeout)
	}
	brief, cancel := context.WithTimeout(ctx, briefly)
	defer cancel()
	d := g.config.Discovery
	d.Attempts = 1
	bot, err := d.GatewayBot(brief, g.token())
	if !passes(err) || ctx.Err() != nil {
		return bot, err
	}
	g.log.Warn("discord's api does not answer, resuming stored sessions without", "err", err)
	g.mu.Lock()
	g.unanswered = true
	g.mu.Unlock()
	return nil, nil
}

// resumable reports whether stored sessions can be resumed without an answer.
func (g *Group) resumable(stored Checkpoint) bool {
	total := g.config.Total
	return len(stored.Shards) > 0 && !g.config.StartFresh && (total == 0 || total == stored.Total) &&
		(g.givenURL || g.config.Discovery.API == "" || stored.URL != "")
}

// awaitGatewayBot asks until there is an answer, an error that does not pass, or
// ctx ends. After the given time, if there is one, the last error is returned.
func (g *Group) awaitGatewayBot(ctx context.Context, atMost time.Duration) (*GatewayBot, error) {
	begin := time.Now()
	for pause := outageMinPause; ; pause = min(2*pause, outageMaxPause) {
		bot, err := g.config.Discovery.GatewayBot(ctx, g.token())
		if !passes(err) || ctx.Err() != nil {
			return bot, err
		}
		wait := pause
		var refused *DiscoveryError
		if errors.As(err, &refused) {
			wait = max(wait, refused.RetryAfter)
		}
		if atMost > 0 && time.Since(begin)+wait > atMost {
			return nil, err
		}
		g.log.Warn("discord's api does not answer, asking again", "err", err, "wait", wait)
		if err := sleep(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// catchUp asks for what a group has begun without. It runs besides.
func (g *Group) catchUp(ctx context.Context) {
	ctx, stop := g.untilClosed(ctx)
	defer stop()
	bot, err := g.awaitGatewayBot(ctx, 0)
	if err != nil {
		if ctx.Err() == nil {
			g.log.Error("session start limit is not known", "err", err)
		}
		return
	}
	g.setURL(bot.URL)
	if g.config.MaxConcurrency == 0 {
		if err := g.identify.setBuckets(bot.Limit.MaxConcurrency); err != nil {
			g.log.Error("max_concurrency was not taken", "err", err)
		}
	}
	g.learnStarts(bot.Limit, time.Now())
	if err := g.identify.limitStarts(bot.Limit, g.config.ReservedStarts, 0, time.Now()); err != nil {
		g.log.Warn("no session starts left", "err", err)
	}
	g.mu.Lock()
	g.unanswered = false
	g.mu.Unlock()
	g.touch()
}

// untilClosed returns a context that ends with ctx, and when the group is closed.
// Stop ends it, and what watches for that.
func (g *Group) untilClosed(ctx context.Context) (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-g.closing:
			cancel(gatewayshard.ErrClosed)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil); <-watched }
}

// setURL notes the URL of the gateway that Discord gave.
func (g *Group) setURL(u string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if u != "" {
		g.url = u
	}
}

// gatewayURL returns the options that name the gateway.
func (g *Group) gatewayURL() []gateway.Option {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.url == "" {
		return nil
	}
	return []gateway.Option{gateway.WithURL(g.url)}
}

// what returns what a checkpoint says besides sessions.
func (g *Group) what() (url string, buckets uint) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.unanswered || g.config.MaxConcurrency > 0 {
		return g.url, 0
	}
	return g.url, g.identify.buckets()
}
