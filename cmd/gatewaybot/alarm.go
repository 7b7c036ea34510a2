package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/gatewayshard"
	"github.com/discordpkg/gateway/opcode"
)

// An alarm is the log of the shards: it passes records on, and tells of those
// that warn, with the error they carry. What raise says is expected is only
// passed on at level debug. What shards say of sessions is only
// passed on at level debug, for the bot says it itself.
type alarm struct {
	next  slog.Handler
	raise func(text string, err error) (expected bool)
	err   error // that of WithAttrs
}

func (a alarm) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn || a.next.Enabled(ctx, min(level, slog.LevelDebug))
}

func (a alarm) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelWarn {
		err := a.err
		r.Attrs(func(attr slog.Attr) bool {
			err = errorOf(attr, err)
			return true
		})
		if a.raise(r.Message, err) {
			r.Level = slog.LevelDebug
		}
	}
	if !a.next.Enabled(ctx, r.Level) {
		return nil
	}
	return a.next.Handle(ctx, r)
}

func (a alarm) WithAttrs(attrs []slog.Attr) slog.Handler {
	for _, attr := range attrs {
		a.err = errorOf(attr, a.err)
	}
	a.next = a.next.WithAttrs(attrs)
	return a
}

func (a alarm) WithGroup(name string) slog.Handler {
	a.next = a.next.WithGroup(name)
	return a
}

// errorOf returns the error in attr, or the one before.
func errorOf(attr slog.Attr, before error) error {
	if err, ok := attr.Value.Any().(error); ok {
		return err
	}
	return before
}

// A warning is what ends a soak.
type warning struct {
	text string
	err  error // may be nil
}

func (w *warning) Error() string {
	if w.err == nil {
		return "warning: " + w.text
	}
	return fmt.Sprintf("warning: %s: %v", w.text, w.err)
}

func (w *warning) Unwrap() error { return w.err }

// routine reports whether Discord announces the end of healthy connections
// with err: it does so every few hours, and the session goes on.
func routine(err error) bool {
	var d *gateway.DiscordError
	if !errors.As(err, &d) || !d.CanResume() {
		return false
	}
	switch d.CloseCode {
	case 0:
		return d.OpCode == opcode.Reconnect || d.OpCode == opcode.InvalidSession
	case closecode.GoingAway, closecode.Restart:
		return true
	}
	return false
}

// lost reports whether err is a broken connection.
func lost(err error) bool {
	var l *gatewayshard.LostError
	return errors.As(err, &l)
}
