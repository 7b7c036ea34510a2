package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"time"

	"github.com/discordpkg/gateway/bench/process"
	"github.com/discordpkg/gateway/snowflake"
	"github.com/discordpkg/gateway/voiceserver"
)

// Parts of the voice server.
const (
	relayServer  = "server"
	relayClients = "clients"
)

// channelSize is how many members a channel has.
const channelSize = 5

// A venue is what a voice server is to be.
type venue struct {
	Channels int
	Single   bool // one datagram per system call, else many
}

// A door is where clients go.
type door struct {
	Endpoint string
	Tokens   []string // of the members, channel by channel
}

// A reading is what a server did since its start.
type reading struct {
	CPU   time.Duration
	Relay voiceserver.RelayStats
}

// A step is some load for some time.
type step struct {
	Speakers int // of each channel
	Rate     int // of packets each sends in a second
	Time     time.Duration
}

func (s step) String() string { return fmt.Sprintf("%d speaking, %d/s", s.Speakers, s.Rate) }

// An effort is what clients did in a step.
type effort struct {
	Sent     uint64
	Expected uint64 // by those who listen
	Heard    uint64 // since the start of the process
}

// A load is what became of a step.
type load struct {
	In, Out float64 // packets in a second that were received and sent on
	CPU     float64 // nanoseconds of the server for each copy that it sent
	Share   float64 // of one core
	InLoss  float64 // share of packets that the server did not receive
	OutLoss float64 // share of copies that those who listen did not receive
}

// singly is a socket of which no more can be seen than what most have.
type singly struct{ *net.UDPConn }

// serveRelay is the child that is the voice server.
func serveRelay(in io.Reader, out io.Writer) error {
	var srv *voiceserver.Server
	defer func() {
		if srv != nil {
			srv.Close()
		}
	}()
	return answer(in, out, func(v venue) (_ any, err error) {
		if err := process.AllowFiles(channelSize*v.Channels + 100); err != nil {
			return nil, err
		}
		srv, err = v.open()
		if err != nil {
			return nil, err
		}
		return v.invite(srv)
	}, func(struct{}) (any, error) {
		return reading{process.CPUTime(), srv.Stats().Relay}, nil
	})
}

func (v venue) open() (*voiceserver.Server, error) {
	// Nobody beats, and some speak faster than people do.
	options := []voiceserver.Option{voiceserver.WithHeartbeat(time.Hour, time.Hour), voiceserver.WithPacketRate(100_000)}
	const ports = 2
	if !v.Single {
		return voiceserver.New(append(options, voiceserver.WithPorts(ports))...)
	}
	var sockets []net.PacketConn
	for range ports {
		conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			return nil, err
		}
		sockets = append(sockets, singly{conn})
	}
	return voiceserver.New(append(options, voiceserver.WithPacketConns(sockets...))...)
}

// session is the session id of everybody.
const session = "session"

// invite admits members 1, 2, 3 and so on.
func (v venue) invite(srv *voiceserver.Server) (d door, err error) {
	for i := range v.Channels * channelSize {
		channel := snowflake.ID(1 + i/channelSize) //nolint:gosec // hundreds
		var token string
		d.Endpoint, token, err = srv.Join(voiceserver.Member{
			Guild: channel, Channel: channel, User: snowflake.ID(1 + i), SessionID: session, WithoutE2EE: true, //nolint:gosec // hundreds
		})
		if err != nil {
			return d, err
		}
		d.Tokens = append(d.Tokens, token)
	}
	return d, nil
}

// A house is a voice server and its clients.
type house struct{ server, clients *worker }

// openHouse starts both.
func openHouse(ctx context.Context, v venue) (h house, err error) {
	if h.server, err = startWorker(ctx, relayServer, "0"); err != nil {
		return h, err
	}
	d, err := ask[door](h.server, v)
	if err != nil {
		return h, errors.Join(err, h.server.stop())
	}
	if h.clients, err = startWorker(ctx, relayClients, "1-"+fmt.Sprint(max(1, runtime.NumCPU()-1))); err != nil {
		return h, errors.Join(err, h.server.stop())
	}
	if n, err := ask[int](h.clients, d); err != nil || n != len(d.Tokens) {
		return h, errors.Join(fmt.Errorf("clients: %d of %d are in: %w", n, len(d.Tokens), err), h.close())
	}
	return h, nil
}

func (h house) close() error { return errors.Join(h.clients.stop(), h.server.stop()) }

// take puts load on the server.
func (h house) take(s step) (l load, err error) {
	before, err := ask[reading](h.server, struct{}{})
	if err != nil {
		return l, err
	}
	earlier, err := ask[effort](h.clients, step{})
	if err != nil {
		return l, err
	}
	start := time.Now()
	e, err := ask[effort](h.clients, s)
	if err != nil {
		return l, err
	}
	after, end, err := h.drain()
	if err != nil {
		return l, err
	}
	later, err := ask[effort](h.clients, step{})
	if err != nil {
		return l, err
	}
	received := float64(after.Relay.Received - before.Relay.Received)
	forwarded := float64(after.Relay.Forwarded - before.Relay.Forwarded)
	cpu, passed := float64(after.CPU-before.CPU), end.Sub(start)
	return load{
		In: received / passed.Seconds(), Out: forwarded / passed.Seconds(), CPU: cpu / forwarded, Share: cpu / float64(passed),
		InLoss: 1 - received/float64(e.Sent), OutLoss: 1 - float64(later.Heard-earlier.Heard)/float64(e.Expected),
	}, nil
}

// drain waits until the server has nothing left to do, and returns when it had
// done the last of it.
func (h house) drain() (r reading, end time.Time, err error) {
	for {
		next, err := ask[reading](h.server, struct{}{})
		if err != nil || next.Relay == r.Relay {
			return r, end, err
		}
		r, end = next, time.Now()
		time.Sleep(50 * time.Millisecond)
	}
}

// kinds are the ways to use sockets.
var kinds = []string{batched, single}

const (
	batched = "batched"
	single  = "one by one"
)

// relays puts servers with both kinds of sockets under load, in turns.
func relays(ctx context.Context, channels, rounds int, steps []step) (medians map[string]load, err error) {
	houses := make(map[string]house)
	defer func() {
		for _, h := range houses {
			err = errors.Join(err, h.close())
		}
	}()
	for _, kind := range kinds {
		if houses[kind], err = openHouse(ctx, venue{channels, kind == single}); err != nil {
			delete(houses, kind)
			return nil, err
		}
	}
	every := make(map[string][]load)
	for range rounds {
		for _, s := range steps {
			for _, kind := range kinds {
				l, err := houses[kind].take(s)
				if err != nil {
					return nil, err
				}
				name := kind + " " + s.String()
				every[name] = append(every[name], l)
				fmt.Fprintf(os.Stderr, "%s: %+v\n", name, l)
			}
		}
	}
	medians = make(map[string]load)
	for name, list := range every {
		medians[name] = middleLoad(list)
	}
	return medians, nil
}

func middleLoad(all []load) load {
	return load{
		In:      middle(all, func(l load) float64 { return l.In }),
		Out:     middle(all, func(l load) float64 { return l.Out }),
		CPU:     middle(all, func(l load) float64 { return l.CPU }),
		Share:   middle(all, func(l load) float64 { return l.Share }),
		InLoss:  middle(all, func(l load) float64 { return l.InLoss }),
		OutLoss: middle(all, func(l load) float64 { return l.OutLoss }),
	}
}

// middle returns the median of a value of all.
func middle[T any](all []T, value func(T) float64) float64 {
	values := make([]float64, len(all))
	for i, v := range all {
		values[i] = value(v)
	}
	return median(values)
}
