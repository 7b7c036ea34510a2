package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/discordpkg/gateway/lvsp"
)

// options are the flags.
type options struct {
	listen   string
	lvsp     string
	metrics  string // empty: none
	udp      string
	udpPorts int
	endpoint string
	address  net.IP // nil: that of the sockets

	backends   []backendFlag
	dialect    lvsp.Dialect
	plain      bool // accept the plain secret
	inSeconds  bool // state the heartbeat interval in seconds
	tokenLife  time.Duration
	cert, key  string
	ca         string
	withoutTLS bool

	requireE2EE bool
	withoutE2EE bool
	connections int
	channelSize int
	capacity    int

	drain time.Duration
	json  bool
	level slog.Level
}

// A backendFlag is a backend and the file that has its secret.
type backendFlag struct{ name, file string }

const (
	environment = "VOICESERVER_" // what variables start with
	maxUDPPorts = 256
)

// parseOptions returns [flag.ErrHelp] when help is asked for, and otherwise
// errors that say which flag or variable is wrong.
func parseOptions(args []string, lookup func(string) (string, bool)) (*options, error) {
	o := &options{}
	fs := o.flags()
	if err := fromEnvironment(fs, lookup); err != nil {
		return nil, err
	}
	fromOutside := o.backends
	o.backends = nil
	if err := fs.Parse(args); err != nil {
		return nil, err
	}
	if len(o.backends) == 0 {
		o.backends = fromOutside
	}
	if fs.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	return o, o.check()
}

func (o *options) flags() *flag.FlagSet {
	fs := flag.NewFlagSet("voiceserver", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.StringVar(&o.listen, "listen", ":4443", "")
	fs.StringVar(&o.lvsp, "lvsp", ":4442", "")
	fs.StringVar(&o.metrics, "metrics", "", "")
	fs.StringVar(&o.udp, "udp", ":0", "")
	fs.IntVar(&o.udpPorts, "udp-ports", 1, "")
	fs.StringVar(&o.endpoint, "endpoint", "", "")
	fs.TextVar(&o.address, "address", net.IP(nil), "")
	fs.Func("secret-file", "", func(file string) error { return o.addBackend("default=" + file) })
	fs.Func("backend", "", o.addBackend)
	fs.Func("dialect", "", o.setDialect)
	fs.BoolVar(&o.plain, "allow-plain-secret", false, "")
	fs.BoolVar(&o.inSeconds, "hello-seconds", false, "")
	fs.DurationVar(&o.tokenLife, "token-life", 24*time.Hour, "")
	fs.StringVar(&o.cert, "tls-cert", "", "")
	fs.StringVar(&o.key, "tls-key", "", "")
	fs.StringVar(&o.ca, "ca", "", "")
	fs.BoolVar(&o.withoutTLS, "without-tls", false, "")
	fs.BoolVar(&o.requireE2EE, "require-e2ee", false, "")
	fs.BoolVar(&o.withoutE2EE, "without-e2ee", false, "")
	fs.IntVar(&o.connections, "max-connections", 10_000, "")
	fs.IntVar(&o.channelSize, "channel-size", 500, "")
	fs.IntVar(&o.capacity, "capacity", 100_000, "")
	fs.DurationVar(&o.drain, "drain", 30*time.Second, "")
	fs.Func("log-format", "", o.setFormat)
	fs.TextVar(&o.level, "log-level", slog.LevelInfo, "")
	return fs
}

// fromEnvironment sets flags from variables, which flags on the command line
// replace.
func fromEnvironment(fs *flag.FlagSet, lookup func(string) (string, bool)) (err error) {
	fs.VisitAll(func(f *flag.Flag) {
		name := environment + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		if value, ok := lookup(name); ok && err == nil {
			if e := fs.Set(f.Name, value); e != nil {
				err = fmt.Errorf("%s: %w", name, e)
			}
		}
	})
	return err
}

func (o *options) addBackend(list string) error {
	for one := range strings.SplitSeq(list, ",") {
		name, file, ok := strings.Cut(strings.TrimSpace(one), "=")
		if !ok || name == "" || file == "" {
			return errors.New("not NAME=FILE")
		}
		o.backends = append(o.backends, backendFlag{name, file})
	}
	return nil
}

func (o *options) setDialect(name string) error {
	d, ok := lvsp.ParseDialect(name)
	if !ok {
		return errors.New("not seed, wire-2022, final or extended")
	}
	o.dialect = d
	return nil
}

func (o *options) setFormat(name string) error {
	if name != "text" && name != "json" {
		return errors.New("neither text nor json")
	}
	o.json = name == "json"
	return nil
}

func (o *options) check() error {
	names := make(map[string]bool)
	for _, b := range o.backends {
		if names[b.name] {
			return fmt.Errorf("backend %q is there twice", b.name)
		}
		names[b.name] = true
	}
	switch {
	case len(o.backends) == 0:
		return errors.New("no backend: -secret-file or -backend is needed")
	case (o.cert == "") != (o.key == ""):
		return errors.New("-tls-cert and -tls-key need each other")
	case o.withoutTLS && (o.cert != "" || o.ca != ""):
		return errors.New("-without-tls leaves no use for a certificate")
	case o.ca != "" && o.cert != "":
		return errors.New("-ca is for the certificate that is made without -tls-cert")
	case o.requireE2EE && o.withoutE2EE:
		return errors.New("-require-e2ee and -without-e2ee contradict each other")
	case o.udpPorts < 1 || o.udpPorts > maxUDPPorts:
		return fmt.Errorf("-udp-ports is not between 1 and %d", maxUDPPorts)
	case o.connections < 1 || o.channelSize < 1 || o.capacity < 1:
		return errors.New("-max-connections, -channel-size and -capacity are at least 1")
	case o.tokenLife < time.Minute:
		return errors.New("-token-life is below 1m")
	case o.drain < 0:
		return errors.New("-drain is negative")
	}
	if _, _, err := net.SplitHostPort(o.udp); err != nil {
		return fmt.Errorf("-udp: %w", err)
	}
	if _, _, err := net.SplitHostPort(o.endpoint); o.endpoint != "" && err != nil {
		return fmt.Errorf("-endpoint: %w", err)
	}
	return nil
}
