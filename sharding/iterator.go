package sharding

import (
	"context"
	"errors"
	"iter"
)

var (
	errLoopEnded   = errors.New("sharding: the loop over the events ended")
	errLoopHandler = errors.New("sharding: a group with a handler for all events has none left for a loop")
)

// Events runs the group, and is the alternative to Config.Handler and
// [Group.Run]:
//
//	for e, err := range group.Events(ctx) {
//		if err != nil {
//			return err
//		}
//		fmt.Println(e.Shard, e.Name)
//	}
//
// The loop gets the events of all shards, one at a time. The body of the loop
// is the handler: while it runs the shards wait, and when it is done the event
// is acknowledged. Data is valid until then. Handlers of [Group.On] and
// [Handle] are called after it.
//
// When the loop ends by break or return, so does the group, as it does with
// ctx: sessions are kept. What Run would return comes as the last element, if
// it is not nil. To end the session too, call [Group.Close] in the body, with a
// context of [gatewayshard.WithinHandler]. [Group.Await] and requests for members work in the body, too.
func (g *Group) Events(ctx context.Context) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		if err := g.pull(ctx, yield); err != nil {
			yield(Event{}, err)
		}
	}
}

// A puller hands events from the handlers to the loop.
type puller struct {
	turn chan struct{} // held by the handler whose event the loop has
	next chan Event
	done chan struct{} // the body has ended
	gone chan struct{} // closed when the loop has ended
}

func (g *Group) pull(ctx context.Context, yield func(Event, error) bool) error {
	p := &puller{make(chan struct{}, 1), make(chan Event), make(chan struct{}), make(chan struct{})}
	if err := g.setHandler(p.handle); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	result := make(chan error, 1)
	go func() { result <- g.Run(ctx) }()
	ended := false
	defer func() {
		cancel(errLoopEnded)
		close(p.gone)
		if !ended {
			<-result
		}
	}()
	for {
		select {
		case e := <-p.next:
			more := yield(e, nil)
			p.done <- struct{}{}
			if !more {
				return nil
			}
		case err := <-result:
			ended = true
			return err
		}
	}
}

func (g *Group) setHandler(h func(context.Context, Event) error) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.started:
		return ErrStarted
	case g.config.Handler != nil:
		return errLoopHandler
	}
	g.config.Handler = h
	return nil
}

// handle is the handler of the group.
func (p *puller) handle(ctx context.Context, e Event) error {
	select {
	case p.turn <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-p.turn }()
	select {
	case p.next <- e:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	// The body reads the data: it has to end first, whatever ctx says.
	select {
	case <-p.done:
	case <-p.gone:
	}
	return nil
}
