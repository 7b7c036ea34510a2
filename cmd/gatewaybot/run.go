package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/discordpkg/gateway/intent"
	"github.com/discordpkg/gateway/sharding"
)

// The exit statuses.
const (
	exitOK = iota
	exitWrong
	exitUsage
)

// A machine is what the program needs of the one it runs on.
type machine struct {
	listen    func() (net.Listener, error) // for the local Discord
	dial      dialFunc
	discovery sharding.Discovery
	trust     *tls.Config // of servers, nil: as the system does
	stdin     io.Reader   // of play
	terminal  func(io.Writer, func(string) string) bool
}

// run is the program but for the process: it returns the exit status, and
// ends early when ctx does.
func run(ctx context.Context, args []string, env func(string) string, stdout, stderr io.Writer) int {
	m := machine{
		listen:   func() (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") },
		dial:     new(net.Dialer).DialContext,
		stdin:    os.Stdin,
		terminal: isTerminal,
	}
	return m.run(ctx, args, env, stdout, stderr)
}

func (m machine) run(ctx context.Context, args []string, env func(string) string, stdout, stderr io.Writer) int {
	if len(args) > 0 && (args[0] == "play" || args[0] == "record") {
		return m.runCall(ctx, &voiceOptions{records: args[0] == "record"}, args[1:], env, stdout, stderr)
	}
	o, err := parseOptions(args, env)
	switch {
	case errors.Is(err, flag.ErrHelp):
		_, _ = io.WriteString(stdout, usage)
		return exitOK
	case err != nil:
		fmt.Fprintf(stderr, "gatewaybot: %v (see gatewaybot -help)\n", err)
		return exitUsage
	}
	if err := m.show(ctx, o, env, stdout, stderr); err != nil {
		fmt.Fprintf(stderr, "gatewaybot: %v\n", err)
		return exitWrong
	}
	return exitOK
}

// show runs a bot and shows it.
func (m machine) show(ctx context.Context, o *options, env func(string) string, stdout, stderr io.Writer) error {
	b := &bot{options: o, cutter: newCutter(m.dial), journal: newJournal()}
	out := stdout
	if o.json {
		out, b.raw = stderr, &rawWriter{w: stdout}
	}
	table, recent := !o.json && m.terminal(out, env), new(news)
	if table {
		b.log = slog.New(slog.NewTextHandler(recent, &slog.HandlerOptions{Level: o.level, ReplaceAttr: shortTime}))
	} else {
		b.log = slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: o.level}))
	}
	end, err := m.prepare(ctx, b)
	defer end()
	if err != nil {
		return err
	}
	var d display = lines{b.log}
	if table {
		d = newScreen(out, env, recent)
	}
	r, err := b.live(ctx, d)
	if !table { // which stands there still
		r.writeCounts(out)
	}
	r.write(out, o.local())
	return err
}

// prepare gives the bot its group, and without a token its Discord. End is to
// be called in any case.
func (m machine) prepare(ctx context.Context, b *bot) (end func(), err error) {
	end = func() {}
	if b.local() {
		l, err := m.listen()
		if err != nil {
			return end, err
		}
		b.discord = startLocal(b.options, l)
		end = func() { b.discord.quiet(); b.discord.Close() }
	}
	stored, err := b.openStore(ctx)
	if err != nil {
		return end, err
	}
	to, err := m.locate(ctx, b, stored)
	if err == nil {
		err = b.addGroup(to, m.discovery)
	}
	if err == nil {
		b.log.Info("connecting", "to", b.title(), "shards", to.total, "intents", short(b.intents), "max_concurrency", to.buckets)
		b.restore(stored, to.total)
	}
	return end, err
}

// short returns the name of the set, if it has one, or those of the intents.
func short(t intent.Type) string {
	switch t {
	case intent.All:
		return "all"
	case intent.Unprivileged:
		return "unprivileged"
	}
	return t.String()
}

// shortTime leaves the date out.
func shortTime(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		a.Value = slog.StringValue(a.Value.Time().Format(time.TimeOnly))
	}
	return a
}
