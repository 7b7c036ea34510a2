package gatewayshard

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/lifecycle"
)

// A Shard is one of the shards of a bot, over all of its connections.
// Make one with [NewShard] or [Config.NewShard].
type Shard struct {
	id      gateway.ShardID
	token   func() string // a function, so that no string form shows it
	config  Config
	options []gateway.Option // of the user
	extra   []gateway.Option // what the shard adds
	handle  func(gateway.ShardID, *gateway.GatewayPayload)
	hidden  event.Set // what the shard asks for on its own account
	log     *slog.Logger
	shared  *Shared
	done    chan struct{} // closed by Close
	woken   chan struct{} // of one element: the end of a wait has changed

	telling sync.Mutex // guards told; held while PhaseChanged is called, taken before mu
	told    Phase

	mu         sync.Mutex // guards what follows and the marked part of the connection; never held across I/O
	life       *lifecycle.Shard
	state      *gateway.GatewayState
	url        string        // given to Dial, empty: that of the options
	spent      bool          // the state had its connection
	refused    string        // the session whose resume URL was refused, and reported
	running    bool          // Run decides
	activated  chan struct{} // closed when the shard becomes active, or Run ends; nil: no call waits
	closed     bool
	cancelDial context.CancelCauseFunc // while dialing
	conn       *connection             // nil while there is none
	awaiters   []*awaiter              // in the order in which they came
	collectors map[string]*collector   // by nonce
	waiting    int                     // calls that wait for an event now
	kept       uint64                  // events that were ever read ahead
	only       *event.Set              // what the handler wants of what the options let through, nil: all
	wanted     *event.Set              // the same, and what calls wait for
	lost       undelivered
	stats      Stats // those that survive a connection
}

// NewShard returns a shard that is not connected. The handler receives the
// events; without one (nil) events are not even decoded. Options
// configure the [gateway.GatewayState] of each connection.
//
// [Shard.Run] resumes a session once that timed out (close code 4009), as
// [closecode.ResumeFirst] says; an option [gateway.WithDecision] replaces that
// table. A loop of the caller's own follows [closecode.Type.Decision].
//
// Without [gateway.WithIdentifyRateLimiter] the shard identifies at most once
// in 5 s, which is right for a bot with one shard. Shards of one bot must share
// a limiter.
func NewShard(id gateway.ShardID, token string, handler gateway.Handler, options ...gateway.Option) (*Shard, error) {
	return Config{}.NewShard(id, token, handler, options...)
}

// NewShard is the function NewShard with a configuration. The shard keeps a copy of it.
func (c Config) NewShard(id gateway.ShardID, token string, handler gateway.Handler, options ...gateway.Option) (*Shard, error) {
	if handler != nil && c.PayloadHandler != nil {
		return nil, errors.New("gatewayshard: both a handler and a payload handler")
	}
	config, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	limit := gateway.WithIdentifyRateLimiter(gateway.NewIdentifyRateLimiter())
	s := &Shard{
		id:     id,
		token:  func() string { return token },
		config: config,
		handle: c.PayloadHandler,
		log:    config.Logger.With("shard", uint(id)),
		done:   make(chan struct{}),
		woken:  make(chan struct{}, 1),
		shared: config.Shared,
	}
	if s.shared == nil {
		if s.shared, err = NewShared(); err != nil {
			return nil, err
		}
	}
	s.options = append([]gateway.Option{limit, gateway.WithDecision(s.decideClose)}, options...)
	if handler != nil {
		s.handle = func(id gateway.ShardID, p *gateway.GatewayPayload) { handler(id, p.EventName, p.Data) }
	}
	if s.handle == nil {
		s.only = &event.Set{}
		s.narrow()
	}
	s.extra = append(s.extra, gateway.WithShardID(id))
	if err := s.addHidden(); err != nil {
		return nil, err
	}
	return s, s.begin()
}

// begin makes the first state, and the machine that continues its session.
func (s *Shard) begin() (err error) {
	if s.state, err = s.newState(); err != nil {
		return err
	}
	session, _ := s.state.Session()
	session.Seq = s.state.SequenceNumber()
	s.life, err = lifecycle.NewShard(append(s.config.lifeOptions(), lifecycle.WithSession(session))...)
	if err != nil {
		return err
	}
	if s.shared = s.config.Shared; s.shared == nil {
		if s.shared, err = NewShared(); err != nil {
			return err
		}
	}
	// Once more, with the presence that a former process has set.
	return s.renew()
}

// decideClose is the table of close codes: Run tries a session before it drops
// it, a loop of the caller's own has Discord's table. The state calls it under mu.
func (s *Shard) decideClose(code closecode.Type) closecode.Decision {
	if s.running {
		return closecode.ResumeFirst(code)
	}
	return code.Decision()
}

// requestEvents are the answers to RequestGuildMembers.
var requestEvents = []event.Type{event.GuildMembersChunk, event.RateLimited}

// addHidden makes the state keep the events that RequestGuildMembers waits for.
func (s *Shard) addHidden() error {
	probe, err := s.newState()
	if err != nil {
		return err
	}
	defer probe.Close()
	for _, e := range requestEvents {
		if !probe.EventIsWhitelisted(e) {
			s.hidden.Add(e)
			s.extra = append(s.extra, gateway.WithEvents(e))
		}
	}
	return nil
}

// newState returns a state as the options say.
func (s *Shard) newState(more ...gateway.Option) (*gateway.GatewayState, error) {
	options := make([]gateway.Option, 0, len(s.options)+len(s.extra)+len(more)+1)
	options = append(append(options, s.options...), s.extra...)
	if s.url != "" {
		options = append(options, gateway.WithURL(s.url))
	}
	state, err := gateway.NewGatewayState(s.token(), append(options, more...)...)
	if err == nil {
		state.Narrow(s.wanted)
	}
	return state, err
}

// Want makes the shard decode, of the events that the options let through,
// only those in the set, and give no others to the handler; nil means all. It may
// be called at any time, by those whose handlers come and go. A shard without a handler
// wants none.
func (s *Shard) Want(events *event.Set) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.handle == nil {
		return
	}
	s.only = nil
	if events != nil {
		only := *events
		s.only = &only
	}
	s.narrow()
}

// narrow tells the state what is wanted, by the handler or by a call that waits.
// The caller holds mu.
func (s *Shard) narrow() {
	s.wanted = nil
	if s.only != nil {
		wanted := *s.only
		wanted.Add(requestEvents...)
		s.wanted = &wanted
		for _, a := range s.awaiters {
			if a.any {
				s.wanted = nil
				break
			}
			wanted.Add(a.events.All()...)
		}
	}
	if s.state != nil {
		s.state.Narrow(s.wanted)
	}
}

// A route says who gets an event.
type route struct {
	handler bool
	calls   bool // those that wait for events
}

// route returns who gets a wanted event. The caller holds mu.
func (s *Shard) route(e event.Type) route {
	r := route{s.handle != nil, s.waiting > 0}
	if request := e == event.GuildMembersChunk || e == event.RateLimited; request || r.calls {
		r.calls = r.calls || len(s.collectors) > 0
		ours := s.hidden.Has(e) || s.only != nil && !s.only.Has(e) && e != event.Ready && e != event.Resumed
		r.handler = r.handler && !ours
	}
	return r
}

// renew replaces the state by one that continues its session. The caller holds mu.
func (s *Shard) renew() error {
	options := s.carry()
	if p := s.life.Presence(); p != nil {
		options = append(options, gateway.WithPresence(p))
	}
	state, err := s.newState(options...)
	if errors.Is(err, gateway.ErrPayloadTooLarge) && s.life.Presence() != nil {
		// With the other parts of identify the presence does not fit.
		_ = s.life.SetPresence(nil)
		return s.renew()
	}
	if err != nil {
		return err
	}
	_ = s.state.Close()
	s.state, s.spent, s.lost = state, false, undelivered{}
	return nil
}

// PrepareForReconnect replaces the state of the last connection by a new one
// that continues the session, if there is still one to continue. [Shard.Dial]
// does so by itself when it must. It returns [ErrConnected] during an event
// loop; a connection without one is dropped, and the session kept.
func (s *Shard) PrepareForReconnect() error {
	s.mu.Lock()
	c := s.conn
	switch {
	case s.closed:
		s.mu.Unlock()
		return ErrClosed
	case s.cancelDial != nil, c != nil && c.looping:
		s.mu.Unlock()
		return ErrConnected
	}
	s.mu.Unlock()
	if c != nil {
		c.finish(ErrNotConnected)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil || s.cancelDial != nil {
		return ErrConnected
	}
	return s.renew()
}

// String returns a short description without the token.
func (s *Shard) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.String()
}

// GoString returns what String returns.
func (s *Shard) GoString() string { return s.String() }
