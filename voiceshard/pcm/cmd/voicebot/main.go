// Command voicebot speaks and listens in a voice channel, with sound instead of
// Opus:
//
//	voicebot say [-program P] TEXT...   a synthesizer's words
//	voicebot play [-volume V] FILE      WAV, MP3, FLAC, Vorbis or Opus
//	voicebot listen [-dir DIR]          a WAV file for each user
//	voicebot listen -program P          each utterance to a program, 16 kHz mono WAV
//	voicebot echo                       repeats what is said
//
// Without DISCORD_TOKEN it talks to a bot of its own, in a Discord of its own in
// the same process, and measures what that heard.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
)

// The exit statuses.
const (
	exitOK    = 0
	exitWrong = 1
	exitUsage = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

// run is the program. It returns the exit status.
func run(ctx context.Context, args []string, env func(string) string, stdout, stderr io.Writer) int {
	o, err := parse(args, env)
	switch {
	case errors.Is(err, flag.ErrHelp):
		_, _ = io.WriteString(stdout, usage())
		return exitOK
	case err != nil:
		fmt.Fprintf(stderr, "voicebot: %v (see voicebot -help)\n", err)
		return exitUsage
	}
	o.out, o.err = stdout, stderr
	if err := o.call(ctx); err != nil {
		fmt.Fprintf(stderr, "voicebot %s: %v\n", o.deed, err)
		return exitWrong
	}
	return exitOK
}

// call joins and does what is asked.
func (o *options) call(ctx context.Context) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if o.length > 0 {
		ctx, cancel = context.WithTimeoutCause(ctx, o.length, errTime)
		defer cancel()
	}
	a := access{url: o.url, token: o.token, log: o.logger()}
	var other *bot
	if o.local() {
		discord := startLocal()
		defer discord.Close()
		a.url, a.token = discord.GatewayURL+"/?v=10&encoding=json", localToken
		a.tls = discord.TLSClientConfig()
		b := a
		b.token = otherToken
		if other, err = b.join(ctx, o); err != nil {
			return fmt.Errorf("the bot at the other end: %w", err)
		}
		defer func() { err = errors.Join(err, other.leave()) }()
	}
	own, err := a.join(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, own.leave()) }()
	if other != nil {
		if err := own.meet(ctx, other); err != nil {
			return err
		}
	}
	fmt.Fprintf(o.err, "in channel %v of guild %v\n", own.channel, own.guild)
	err = deeds[o.deed](ctx, o, own, other)
	if ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, errTime)) {
		err = nil // the user has had enough
	}
	return err
}

// errTime ends a call that has lasted for -for.
var errTime = errors.New("the time is up")

// A deed is what a bot does in a call. The other bot is nil with a token.
type deed func(ctx context.Context, o *options, own, other *bot) error

var deeds = map[string]deed{"say": say, "play": play, "listen": listen, "echo": echo}
