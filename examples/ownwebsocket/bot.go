package main

import (
	"context"
	"errors"
	"log"
	"slices"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/lifecycle"
)

type bot struct {
	token   string
	options []gateway.Option
	handle  func(name event.Type, data gateway.RawMessage) // heartbeats wait for it

	life   *lifecycle.Shard  // what to do between connections
	shared *lifecycle.Shared // what it shares with other shards, if there were any
	*connection
}

// run does what the life of the shard decides, until ctx ends or Discord says
// that there is no point in going on. The machines decide when and where to
// connect, whether to resume or to identify, and how long to wait.
func (b *bot) run(ctx context.Context) (err error) {
	if b.life, err = lifecycle.NewShard(); err != nil {
		return err
	}
	if b.shared, err = lifecycle.NewShared(); err != nil {
		return err
	}
	if err := b.life.Start(time.Now()); err != nil {
		return err
	}
	for ctx.Err() == nil {
		switch d := b.life.Decision(); d.Do {
		case lifecycle.ShardAsk:
			err = b.ask(d)
		case lifecycle.ShardDial:
			err = b.dial(ctx, d)
		case lifecycle.ShardHold:
			err = b.hold(ctx)
		case lifecycle.ShardWait:
			log.Printf("waiting until %v, %v: %v", d.At.Format(time.TimeOnly), d.Why, d.Err)
			b.shared.Waits(time.Now(), 0)
			sleep(ctx, time.Until(d.At))
			b.life.HandleTimeout(time.Now(), lifecycle.Traffic{})
		case lifecycle.ShardStop:
			return d.Err // a wrong token, an intent that is not enabled
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// ask makes the state of the next connection, which knows where to dial, and
// asks whether it may.
func (b *bot) ask(d lifecycle.ShardDecision) error {
	state, err := gateway.NewGatewayState(b.token, slices.Concat(b.options, []gateway.Option{
		gateway.WithSession(d.Session), gateway.WithDecision(closecode.ResumeFirst),
	})...)
	if err != nil {
		return err
	}
	b.connection = &connection{state: state, identifies: d.Identifies()}
	if refused := state.ResumeURLRefused(); refused != nil {
		log.Print("resuming through the ordinary url: ", refused)
	}
	request := lifecycle.Request{Identifies: d.Identifies(), Host: lifecycle.HostOf(state.URL())}
	if d.AtResumeURL {
		request.ResumeHost = lifecycle.HostOf(state.DialURL())
	}
	answer := b.shared.Ask(time.Now(), request)
	if !answer.OK {
		return b.life.Refused(time.Now(), answer.Until, answer.Why)
	}
	return b.life.Granted(time.Now(), answer.Grant)
}

// dial opens the connection where the decision says.
func (b *bot) dial(ctx context.Context, d lifecycle.ShardDecision) error {
	target := b.state.URL()
	if d.AtResumeURL {
		target = b.state.DialURL()
	}
	failure, err := b.open(ctx, target, d.Limit)
	switch {
	case ctx.Err() != nil:
		return nil
	case err != nil:
		b.shared.DialFailed(time.Now(), 0, lifecycle.HostOf(target), failure)
		return b.life.DialFailed(time.Now(), lifecycle.DialFailure{Err: err, RetryAfter: failure.RetryAfter})
	}
	b.shared.Dialed(lifecycle.HostOf(target))
	return b.life.Dialed(time.Now())
}

// hold reads until the connection ends, and tells the life how.
func (b *bot) hold(ctx context.Context) error {
	err := b.live(ctx)
	session, _ := b.state.Session()
	return b.life.Ended(time.Now(), lifecycle.End{Err: err, Session: session, Seq: b.state.SequenceNumber(), Traffic: b.traffic})
}

// observe tells the machines what the connection has come to. The error is
// that of a connection on which Discord does not say what it has to say.
func (b *bot) observe() error {
	was := b.life.Phase()
	b.life.Observe(time.Now(), b.state, b.traffic)
	b.life.HandleTimeout(time.Now(), b.traffic) // does nothing before it is due
	if b.identifies && b.state.HaveIdentified() {
		b.identifies = false // it is counted once
		b.shared.Identified(time.Now(), 0)
	}
	if now := b.life.Phase(); now == lifecycle.ShardActive && was != now {
		b.shared.Through(time.Now(), 0)
	}
	if d := b.life.Decision(); d.Do == lifecycle.ShardLeave {
		return errors.Join(d.Err, b.state.WriteRestartClose(b.closeFrames()))
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
