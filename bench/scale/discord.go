package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os/exec"
	"time"

	"github.com/discordpkg/gateway/bench/process"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewaytest"
)

// An address is where the local Discord is, and how to recognise it.
type address struct {
	API         string
	Certificate []byte // empty without TLS
}

// rules are what the local Discord is told at first.
type rules struct {
	Shards, Buckets int
	Interval, Beat  time.Duration
	Secure          bool
}

// A question to the local Discord.
type question string

const (
	count    question = "count"    // what happened
	dispatch question = "dispatch" // an event to every session, and count
)

// A tally is the answer to a question.
type tally struct {
	Stats    gatewaytest.Stats
	Breach   string // the last one
	Sessions int    // that an event was dispatched to
}

// serve is the local Discord. It ends with its standard input.
func serve(in io.Reader, out io.Writer) error {
	log.SetOutput(io.Discard) // what the HTTP server has to say of handshakes
	questions, answers := json.NewDecoder(in), json.NewEncoder(out)
	var r rules
	if err := questions.Decode(&r); err != nil {
		return err
	}
	if r.Shards < 1 || r.Buckets < 1 {
		return fmt.Errorf("rules of a Discord with %d shards and %d buckets", r.Shards, r.Buckets)
	}
	srv := gatewaytest.NewServer(r.options()...)
	defer srv.Close()
	at := address{API: srv.URL + "/api/v10"}
	if r.Secure {
		at.Certificate = srv.Certificate().Raw
	}
	if err := answers.Encode(at); err != nil {
		return err
	}
	for {
		var q question
		if err := questions.Decode(&q); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		a, err := answer(srv, q)
		if err != nil {
			return err
		}
		if err := answers.Encode(a); err != nil {
			return err
		}
	}
}

func (r rules) options() []gatewaytest.Option {
	options := []gatewaytest.Option{
		gatewaytest.WithShards(r.Shards),
		gatewaytest.WithMaxConcurrency(r.Buckets),
		gatewaytest.WithIdentifyInterval(r.Interval),
		gatewaytest.WithSessionStarts(2 * r.Shards),
		gatewaytest.WithGuilds(r.Shards, 100),
		gatewaytest.WithHeartbeat(r.Beat, 20*time.Second),
		gatewaytest.WithRecord(1),
	}
	if r.Secure {
		options = append(options, gatewaytest.WithTLS())
	}
	return options
}

func answer(srv *gatewaytest.Server, q question) (t tally, err error) {
	if q == dispatch {
		t.Sessions, err = srv.Dispatch(event.MessageCreate, `{"id":"1","channel_id":"1","content":"sent while nobody listened"}`, gatewaytest.ToEveryone())
	}
	t.Stats = srv.Stats()
	for _, v := range srv.Violations() {
		t.Breach = v.Text
	}
	return t, err
}

// A discord is the local Discord as its parent sees it.
type discord struct {
	address   address
	questions *json.Encoder
	answers   *json.Decoder
	in        io.Closer
	process   *exec.Cmd
}

func startDiscord(ctx context.Context, s settings) (*discord, error) {
	c, err := process.Self.Command(ctx, discordPart)
	if err != nil {
		return nil, err
	}
	in, err := c.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.Start(); err != nil {
		return nil, err
	}
	d := &discord{questions: json.NewEncoder(in), answers: json.NewDecoder(out), in: in, process: c}
	err = d.questions.Encode(rules{Shards: s.shards, Buckets: s.buckets, Interval: s.interval, Beat: s.beat, Secure: s.secure})
	if err == nil {
		err = d.answers.Decode(&d.address)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("local discord: %w", err), d.stop())
	}
	return d, nil
}

func (d *discord) ask(q question) (t tally, err error) {
	if err = d.questions.Encode(q); err == nil {
		err = d.answers.Decode(&t)
	}
	if err != nil {
		err = fmt.Errorf("local discord: %w", err)
	}
	return t, err
}

func (d *discord) stop() error { return errors.Join(d.in.Close(), d.process.Wait()) }
