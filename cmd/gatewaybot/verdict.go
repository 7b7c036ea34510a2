package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// look returns the counts of the journal.
func (b *bot) look() *result {
	r := &result{}
	b.journal.look(func(e *entries) {
		r.lost, r.duplicated = e.ledger.lost, e.ledger.duplicated
		r.sessions, r.resumes = e.readies, e.resumes
		r.resumedCut = e.resumedCut()
	})
	return r
}

// result returns what the run came to, while the sessions still exist.
func (b *bot) result(rates *rateMeter) *result {
	r := b.look()
	if b.discord != nil {
		sent := b.discord.sent()
		b.journal.look(func(e *entries) { r.lost += e.ledger.missing(sent) })
		for _, n := range sent {
			r.sent += n
		}
		stats := b.discord.Stats()
		r.replayed, r.breaches = stats.Replayed, stats.Violations
	}
	r.view = b.view(time.Now(), rates)
	return r
}

// verdict returns an error if the run did not show what it should.
func (b *bot) verdict(ctx context.Context, r *result) error {
	var errs []error
	if r.sessions+r.resumes == 0 && ctx.Err() == nil {
		errs = append(errs, errors.New("no session was started"))
	}
	if b.cut > 0 && r.resumedCut == 0 && ctx.Err() == nil {
		errs = append(errs, errors.New("no session was resumed after the cut"))
	}
	errs = append(errs, b.eventsErr(r))
	if b.discord != nil {
		errs = append(errs, b.discord.breach())
	}
	return errors.Join(errs...)
}

func (b *bot) eventsErr(r *result) error {
	if r.lost == 0 && r.duplicated == 0 {
		return nil
	}
	return fmt.Errorf("%d events lost, %d duplicated", r.lost, r.duplicated)
}
