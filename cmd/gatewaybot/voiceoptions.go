package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/discordpkg/gateway/snowflake"
)

// voiceOptions are the flags and the argument of play and record.
type voiceOptions struct {
	token   func() string // a function, so that no string form shows it; empty: local Discord
	records bool          // the command is record
	file    string        // what is played: empty is built in, - is standard input
	guild   snowflake.ID
	channel snowflake.ID
	length  time.Duration // zero: to the end of the file
	loop    bool
	seek    time.Duration
	loss    float64 // of the local Discord's network
	record  string  // the file of the local listener
	dir     string  // of record
	json    bool
	url     string // empty: Discord's own, or the local one's
	level   slog.Level
}

// name returns how the user called the program.
func (o *voiceOptions) name() string {
	if o.records {
		return "gatewaybot record"
	}
	return "gatewaybot play"
}

// usage returns what -help says.
func (o *voiceOptions) usage() string {
	if o.records {
		return recordUsage
	}
	return playUsage
}

// local reports whether the bot brings its own Discord.
func (o *voiceOptions) local() bool { return o.token() == "" }

// parse returns [flag.ErrHelp] when help is asked for, and otherwise errors
// that say which flag is wrong. Flags may come before the file and after it.
func (o *voiceOptions) parse(args []string, env func(string) string) error {
	token := strings.TrimPrefix(strings.TrimSpace(env("DISCORD_TOKEN")), "Bot ")
	o.token = func() string { return token }
	fs := o.flags()
	var files []string
	for rest := args; ; {
		if err := fs.Parse(rest); err != nil {
			return err
		}
		if fs.NArg() == 0 {
			break
		}
		files, rest = append(files, fs.Arg(0)), fs.Args()[1:]
	}
	if len(files) > 1 {
		return fmt.Errorf("one file at a time: %q is another one", files[1])
	}
	if len(files) == 1 {
		o.file = files[0]
	}
	given := make(map[string]bool)
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	return o.check(given)
}

func (o *voiceOptions) flags() *flag.FlagSet {
	fs := flag.NewFlagSet("gatewaybot", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	id := func(into *snowflake.ID) func(string) error {
		return func(s string) (err error) {
			if *into, err = snowflake.Parse(s); err != nil || *into == 0 {
				return errors.New("not an id: these are long numbers, see Copy ID in the menus of Discord's developer mode")
			}
			return nil
		}
	}
	fs.Func("guild", "", id(&o.guild))
	fs.Func("channel", "", id(&o.channel))
	fs.DurationVar(&o.length, "for", 0, "")
	fs.Float64Var(&o.loss, "loss", 0, "")
	fs.BoolVar(&o.json, "json", false, "")
	fs.StringVar(&o.url, "url", "", "")
	fs.TextVar(&o.level, "log-level", slog.LevelInfo, "")
	if o.records {
		fs.StringVar(&o.dir, "dir", ".", "")
		return fs
	}
	fs.BoolVar(&o.loop, "loop", false, "")
	fs.DurationVar(&o.seek, "seek", 0, "")
	fs.StringVar(&o.record, "record", "", "")
	return fs
}

func (o *voiceOptions) check(given map[string]bool) (err error) {
	switch {
	case o.length < 0:
		return errors.New("-for is negative")
	case o.seek < 0:
		return errors.New("-seek is negative")
	case !(o.loss >= 0 && o.loss <= 1): // NaN is neither
		return errors.New("-loss is not between 0 and 1")
	case o.loop && o.file == "-":
		return errors.New("-loop needs a file that can be read again, and standard input cannot")
	case o.url != "" && o.local():
		return errors.New("-url needs a token in the environment variable DISCORD_TOKEN; a local Discord takes any")
	case o.local() && (given["guild"] || given["channel"]):
		return errors.New("-guild and -channel need a bot's token in the environment variable DISCORD_TOKEN: the local Discord has a channel of its own")
	case !o.local() && given["loss"]:
		return errors.New("-loss is for the local Discord, which DISCORD_TOKEN turns off")
	case !o.local() && given["record"]:
		return errors.New("-record is for the local Discord, which DISCORD_TOKEN turns off: a bot does not hear itself, see gatewaybot record")
	case !o.local() && o.records && o.file != "":
		return errors.New("a file to play is for the local Discord, which DISCORD_TOKEN turns off: record writes to the directory of -dir")
	case !o.records && !o.local() && o.file == "":
		return errors.New("which file? - is standard input")
	}
	if o.url != "" {
		o.url, err = completeURL(o.url)
	}
	return err
}
