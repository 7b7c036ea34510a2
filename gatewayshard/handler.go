package gatewayshard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/internal/deadline"
)

// The duty of the event loop says who reads the connection. It leaves reading
// under the shard's mutex, and comes back to it without: by swapping handling.
const (
	reading  int32 = iota // the loop reads
	handling              // the loop is in a handler, and nothing is read
	offering              // the loop shows an event to the calls that wait: none of them may have a later one read first
	relieved              // the loop delivers what the reader of readahead.go has read, if it runs
)

// handlerPatience is how long Close waits for a handler.
const handlerPatience = 10 * time.Second

var (
	// ErrHandlerRuns reports a Close that waited 10 s for a handler which has
	// not returned. The connection ends when it does.
	ErrHandlerRuns = errors.New("gatewayshard: a handler has not returned in 10 s")

	// ErrHandlerExit reports a handler that has ended its goroutine with
	// [runtime.Goexit], as FailNow of a test does. The goroutine was that of the event loop:
	// EventLoop and Run do not return, the connection is closed, and the session kept.
	ErrHandlerExit = errors.New("gatewayshard: a handler has called runtime.Goexit")
)

// A PanicError is a panic of a handler, or its runtime.Goexit: then Value is
// [ErrHandlerExit].
type PanicError struct {
	Value any    // that panic was called with
	Stack []byte // of the goroutine, as text
}

func (e *PanicError) Error() string {
	return fmt.Sprintf("gatewayshard: handler panicked: %v", e.Value)
}

// Unwrap returns the value if it is an error, otherwise nil.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

type withinHandler struct{}

// WithinHandler returns a context that marks calls which a handler makes.
// [Shard.Close] with such a context does not wait for the event loop, which
// would wait for the handler. The contexts that a group gives to its handlers
// are marked; the handler of a lone shard gets none, and marks its own.
func WithinHandler(ctx context.Context) context.Context {
	return context.WithValue(ctx, withinHandler{}, true)
}

// InHandler reports whether a context was marked by [WithinHandler].
func InHandler(ctx context.Context) bool { return ctx.Value(withinHandler{}) != nil }

// call calls the handler. A panic of it is reported, and the loop goes on.
func (c *connection) call(p *gateway.GatewayPayload) {
	returned := false
	defer func() {
		if value := recover(); !returned {
			c.shard.panicked(p, value)
		}
	}()
	c.shard.handle(c.shard.id, p)
	returned = true
}

// panicked reports a handler that did not return.
func (s *Shard) panicked(p *gateway.GatewayPayload, value any) {
	if value == nil {
		value = ErrHandlerExit
	}
	err := &PanicError{Value: value, Stack: debug.Stack()}
	s.mu.Lock()
	s.stats.Panics++
	s.mu.Unlock()
	if hook := s.config.HandlerPanic; hook != nil {
		hook(s.id, p, err)
		return
	}
	log := s.log
	if s.config.quiet {
		log = slog.Default().With("shard", uint(s.id)) // a panic is never silent
	}
	log.Error("handler panicked", "event", string(p.EventName), "seq", p.Seq, "panic", fmt.Sprint(value), "stack", string(err.Stack))
}

// A watch finds handlers that run for too long, without a clock or a timer for each event. The
// mutex of the shard guards it.
type watch struct {
	delivering *gateway.GatewayPayload // what the handler has, nil: it does not run
	began      time.Time
	look       time.Time // when to look again: never later than a handler's time is up
	told       bool      // the handler that runs was logged
}

// entered notes that the handler is called next. The caller holds mu.
func (w *watch) entered(p *gateway.GatewayPayload, now time.Time) {
	w.delivering, w.began, w.told = p, now, false
}

// returned notes that no handler runs. The caller holds mu.
func (w *watch) returned() { w.delivering = nil }

// slow returns a copy of the event whose handler has been running for too long, once
// for each, otherwise nil. The caller holds mu.
func (c *connection) slow(now time.Time) *gateway.GatewayPayload {
	if !deadline.Due(c.look, now) {
		return nil
	}
	limit := c.shard.config.HandlerLimit
	c.look = now.Add(limit)
	if c.duty.Load() == reading || c.delivering == nil || c.told {
		return nil
	}
	if end := c.began.Add(limit); end.After(now) {
		c.look = end
		return nil
	}
	c.told = true
	c.shard.stats.SlowHandlers++
	p := *c.delivering
	p.Data, p.Encoded = nil, nil
	return &p
}

func (s *Shard) logSlow(p *gateway.GatewayPayload) {
	s.log.Warn("handler is still running", "event", string(p.EventName), "seq", p.Seq, "limit", s.config.HandlerLimit)
}
