package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/snowflake"
)

// options are what the arguments and the environment say.
type options struct {
	deed    string
	args    []string
	token   string
	url     string
	guild   snowflake.ID
	channel snowflake.ID
	length  time.Duration
	verbose bool
	program string
	volume  float64
	bitrate int
	dir     string
	out     io.Writer
	err     io.Writer
}

// local reports whether there is no token.
func (o *options) local() bool { return o.token == "" }

func (o *options) logger() *slog.Logger {
	level := slog.LevelWarn
	if o.verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(o.err, &slog.HandlerOptions{Level: level}))
}

const introduction = `voicebot speaks and listens in a voice channel of Discord.

  voicebot say [flags] TEXT...    speaks the output of a synthesizer
  voicebot play [flags] FILE      plays WAV, MP3, FLAC, Vorbis or Opus
  voicebot listen [flags]         writes a WAV file for each user, or gives each
                                  utterance to a program
  voicebot echo [flags]           repeats what is said

The token comes from DISCORD_TOKEN or -token-file, and -guild and -channel are ids.
Without a token it talks to a bot of its own, in a Discord of its own.

Flags:
`

func (o *options) flags() (f *flag.FlagSet, tokenFile *string) {
	f = flag.NewFlagSet("voicebot", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	tokenFile = f.String("token-file", "", "read the token from this `file`")
	f.StringVar(&o.url, "url", gateway.DefaultURL, "the gateway's `url`")
	id := func(name, what string, into *snowflake.ID) {
		f.Func(name, "the `id` of the "+what, func(s string) (err error) {
			*into, err = snowflake.Parse(s)
			return err
		})
	}
	id("guild", "guild", &o.guild)
	id("channel", "voice channel", &o.channel)
	f.DurationVar(&o.length, "for", 0, "leave after this `time`, such as 30s; 0 is never, or when there is nothing more to say")
	f.BoolVar(&o.verbose, "v", false, "log what happens")
	f.StringVar(&o.program, "program", "", "say: the `command` that prints sound, \"espeak-ng --stdout\" by default, to which TEXT is added; listen: the command that gets each utterance on its standard input")
	f.Float64Var(&o.volume, "volume", 1, "play and say: 0 to 16, 1 is as it is")
	f.IntVar(&o.bitrate, "bitrate", 0, "bits per second, 0 for 96000 (play) or 32000 (say, echo)")
	f.StringVar(&o.dir, "dir", ".", "listen: the `directory` of the files")
	return f, tokenFile
}

func usage() string {
	var b strings.Builder
	b.WriteString(introduction)
	f, _ := new(options).flags()
	f.SetOutput(&b)
	f.PrintDefaults()
	return b.String()
}

// parse reads the arguments. Flags may come before and behind what is said.
func parse(args []string, env func(string) string) (*options, error) {
	o := &options{}
	f, tokenFile := o.flags()
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if f.NArg() == 0 {
		return nil, errors.New("say, play, listen or echo?")
	}
	o.deed = f.Arg(0)
	if err := f.Parse(f.Args()[1:]); err != nil {
		return nil, err
	}
	o.args = f.Args()
	o.token = env("DISCORD_TOKEN")
	if *tokenFile != "" {
		b, err := os.ReadFile(*tokenFile)
		if err != nil {
			return nil, err
		}
		o.token = strings.TrimSpace(string(b))
	}
	return o, o.check()
}

func (o *options) check() error {
	wanted := map[string]int{"say": 1, "play": 1, "listen": 0, "echo": 0}
	n, ok := wanted[o.deed]
	switch {
	case !ok:
		return fmt.Errorf("%q is neither say nor play, listen or echo", o.deed)
	case len(o.args) < n:
		return fmt.Errorf("%s what?", o.deed)
	case o.deed != "say" && len(o.args) > n:
		return fmt.Errorf("%q is one argument too many", o.args[n])
	case !(o.volume >= 0 && o.volume <= 16):
		return fmt.Errorf("a volume of %v is not between 0 and 16", o.volume)
	case o.length < 0:
		return fmt.Errorf("-for %v is negative", o.length)
	case !o.local() && (o.guild == 0 || o.channel == 0):
		return errors.New("with a token, say where: -guild ID -channel ID")
	}
	return nil
}
