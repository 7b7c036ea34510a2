package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
)

// runCall is the program for play and record. It returns the exit status.
func (m machine) runCall(ctx context.Context, o *voiceOptions, args []string, env func(string) string, stdout, stderr io.Writer) int {
	err := o.parse(args, env)
	switch {
	case errors.Is(err, flag.ErrHelp):
		_, _ = io.WriteString(stdout, o.usage())
		return exitOK
	case err != nil:
		fmt.Fprintf(stderr, "%s: %v (see %s -help)\n", o.name(), err, o.name())
		return exitUsage
	}
	if err := m.showCall(ctx, o, env, stdout, stderr); err != nil {
		fmt.Fprintf(stderr, "%s: %v\n", o.name(), err)
		return exitWrong
	}
	return exitOK
}

// showCall makes a call and shows it.
func (m machine) showCall(ctx context.Context, o *voiceOptions, env func(string) string, stdout, stderr io.Writer) error {
	alive, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	c := &call{voiceOptions: o}
	out, d := c.display(m, fail, env, stdout, stderr)
	err := c.prepare(alive, m)
	var r *callReport
	if err == nil {
		d := d()
		err = c.live(alive, d)
		r = c.report(summary)
		err = errors.Join(err, c.verdict(r))
	}
	err = errors.Join(err, c.end(alive))
	if alive.Err() != nil && ctx.Err() == nil {
		err = context.Cause(alive)
	} else if r == nil && ctx.Err() != nil { // the user has changed his mind
		return nil
	}
	if r == nil {
		return err
	}
	if err != nil {
		r.Error = err.Error()
	}
	r.write(out)
	if o.json {
		callJSON{stdout, fail}.show(r)
	}
	return err
}

// display gives the call its log, and returns where people read, and what makes
// the display once there is something to show.
func (c *call) display(m machine, fail func(error), env func(string) string, stdout, stderr io.Writer) (io.Writer, func() callDisplay) {
	level := slog.HandlerOptions{Level: c.level}
	switch {
	case c.json:
		c.log = slog.New(slog.NewTextHandler(stderr, &level))
		return stderr, func() callDisplay { return callJSON{stdout, fail} }
	case m.terminal(stdout, env):
		recent := &news{echo: stdout}
		level.ReplaceAttr = shortTime
		c.log = slog.New(slog.NewTextHandler(recent, &level))
		return stdout, func() callDisplay {
			recent.mute()
			return callScreen{newScreen(stdout, env, recent), c}
		}
	}
	c.log = slog.New(slog.NewTextHandler(stdout, &level))
	return stdout, func() callDisplay { return &callLines{log: c.log} }
}
