package gatewayshard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/event"
)

// A GroupConfig is what a [Group] needs to know. The zero GroupConfig is ready
// to use: it runs all the shards that Discord recommends.
type GroupConfig struct {
	// Shard is the configuration of each shard. Its PayloadHandler must be nil.
	Shard Config

	// Total is the shard count of the bot, over all of its processes. Zero
	// takes that of the stored sessions, or else what Discord recommends.
	Total uint

	// The group runs the shards First up to First+Count, all from First on if
	// Count is zero.
	First, Count uint

	// MaxConcurrency is the number of identify buckets. Zero asks Discord.
	MaxConcurrency uint

	// Discovery asks Discord, unless Total and MaxConcurrency are both given:
	// then the session start limit is not known, and not kept.
	Discovery Discovery

	// Handler receives the events of all shards. See [Group] for what it may
	// rely on. Without one, only events with a handler of their own are
	// decoded: see [Handle] and [Group.On].
	Handler func(ctx context.Context, e Event) error

	// Queue lets a shard read ahead of a slow handler.
	Queue Queue

	// ManualAcknowledge leaves it to [Event.Acknowledge] to say that an event
	// was dealt with. Otherwise the return of the handler does.
	ManualAcknowledge bool

	// Store keeps the sessions for the next process. By default nobody does.
	Store Store

	// StoreKey names the sessions in the store. The default is made of a hash
	// of the token and of First.
	StoreKey string

	// CheckpointInterval is the time between two saves, 5 s by default. New
	// sessions are saved at once. After a crash events of this time are
	// replayed.
	CheckpointInterval time.Duration

	// IdentifyLimiter decides when a shard may identify. The default keeps
	// IdentifyInterval in each bucket of this process; processes that share a
	// bot need one that they share too, unless they have buckets of their own.
	IdentifyLimiter gateway.IdentifyRateLimiter

	// IdentifyInterval is the time between two identifies of one bucket, 5.04 s
	// by default: Discord's 5 s, and a margin for connections that are not
	// equally fast.
	IdentifyInterval time.Duration

	// ReservedStarts is the number of session starts that the group leaves of
	// the day's limit, for whatever else has to start: see
	// [SessionLimitError].
	ReservedStarts int

	// Dials is how many shards may open a websocket at the same time, 128 by
	// default. Resumes do not queue, so after an outage all shards of a group
	// would else do their TLS handshakes at once, and time out together.
	Dials int

	// Reshard says how the shard count changes.
	Reshard ReshardConfig

	// Hooks are called when something happens.
	Hooks Hooks
}

// Hooks are called by a [Group] for metrics and alarms. They may be called
// concurrently, must not block, and may be nil.
type Hooks struct {
	// HandlerError is called when a handler returns an error. Without the hook
	// it is logged.
	HandlerError func(e Event, err error)

	// Dropped is called for each event that a full queue dropped.
	Dropped func(e Event)

	// Checkpoint is called after each attempt to save the sessions.
	Checkpoint func(took time.Duration, err error)

	// Session is called when a shard has started or resumed a session.
	Session func(shard gateway.ShardID, resumed bool)

	// Latency is called for each round trip of a shard's heartbeats, within
	// CheckpointInterval.
	Latency func(shard gateway.ShardID, latency time.Duration)
}

const (
	defaultCheckpointInterval = 5 * time.Second
	defaultDials              = 128

	// defaultIdentifyInterval uses 99.2 % of what Discord allows.
	defaultIdentifyInterval = 5040 * time.Millisecond

	// finalSave is how long the last checkpoint may take when the context that
	// it would have to obey is over.
	finalSave = 10 * time.Second
)

var (
	// ErrGroupStarted reports a second [Group.Run].
	ErrGroupStarted = errors.New("gatewayshard: group was already started")

	errGroupHandlers = errors.New("gatewayshard: a group has its own handlers, the payload handler of its shards must be nil")
)

// A Group runs many shards of one bot.
//
// Its shards connect in parallel and resume stored sessions at once. Shards
// without a session identify one after another, in the order of their ids, as
// fast as Discord's identify buckets allow. A shard that fails connects again
// on its own; the others do not notice. A close code that no reconnect helps
// against, such as a wrong token, stops the group.
//
// # Handlers
//
// The events of one shard come to the handlers in order, one at a time; those
// of different shards come concurrently. While a handler runs its shard does
// not read (but heartbeats), unless the group has a [Queue]. The context of a
// handler ends with that of [Group.Run]. An error of a handler is reported and
// changes nothing else.
//
// # What a crash costs
//
// With a [Store], the sessions are saved every few seconds, and in the end. A
// saved sequence number is never ahead of what handlers have finished, so the
// next process has the rest replayed: no event is lost while Discord keeps the
// session. An event that a handler of the former process may have seen has
// [Event.Replay] set: after a crash, every event up to RESUMED, because nobody
// knows how far the handlers came; after an orderly end exactly those that were
// handed out and not acknowledged, usually none. An event whose handler
// returns an error because its context ended is not acknowledged.
type Group struct {
	token   func() string // a function, so that no string form shows it
	config  GroupConfig
	options []gateway.Option
	log     *slog.Logger
	routes  map[event.Type][]func(context.Context, Event) error

	identify *identifyQueue // set by Run before any shard starts, like url
	url      string         // that Discord gave, empty if it was not asked

	closing  chan struct{} // closed by Close
	ended    chan struct{} // closed when Run returns
	discard  atomic.Bool   // what waits in queues is left for the next process
	dirty    chan struct{} // a session has changed
	failures chan error    // of the current generation, the first one
	hopeless chan error    // a reshard that had to succeed

	latency    latencies
	resharding atomic.Bool
	handover   atomic.Pointer[handover] // nil unless the group is being resharded
	running    sync.WaitGroup           // what Run started besides

	mu          sync.Mutex      // guards what follows
	run         context.Context // of Run, ends with it
	started     bool
	closed      bool
	mode        CloseMode
	stop        context.CancelCauseFunc // ends the context of handlers and shards
	generations []*generation           // that run; the first is the one whose sessions are saved
	finishing   bool                    // Run waits for what runs
	refused     tooFew                  // that waits for the end of a reshard
	closers     sync.WaitGroup          // of Close
	saved       Checkpoint              // the last one
	saveErr     error                   // of the last attempt
	awaiting    []chan struct{}         // closed after the next attempt
}

// NewGroup returns a group with a handler for all events and otherwise the
// defaults of [GroupConfig].
func NewGroup(token string, handler func(ctx context.Context, e Event) error, options ...gateway.Option) (*Group, error) {
	return GroupConfig{Handler: handler}.NewGroup(token, options...)
}

// NewGroup returns a group that is not running. The options configure each
// connection of each shard; shard id, shard count, session and identify limiter
// are the group's business.
func (c GroupConfig) NewGroup(token string, options ...gateway.Option) (*Group, error) {
	if err := c.setDefaults(token); err != nil {
		return nil, err
	}
	g := &Group{
		token:    func() string { return token },
		config:   c,
		options:  append([]gateway.Option(nil), options...),
		log:      c.Shard.Logger,
		routes:   make(map[event.Type][]func(context.Context, Event) error),
		closing:  make(chan struct{}),
		ended:    make(chan struct{}),
		dirty:    make(chan struct{}, 1),
		failures: make(chan error, 1),
		hopeless: make(chan error, 1),
		stop:     func(error) {},
	}
	g.config.Shard.dialing = make(chan struct{}, c.Dials)
	// The options are judged now rather than when the shards start.
	probe, err := gateway.NewGatewayState(token, append(g.options, gateway.WithShardCount(1), gateway.WithShardID(0))...)
	if err != nil {
		return nil, err
	}
	return g, probe.Close()
}

func (c *GroupConfig) setDefaults(token string) error {
	shard, err := c.Shard.withDefaults()
	if err != nil {
		return err
	}
	c.Shard.Logger = shard.Logger
	if c.StoreKey == "" {
		c.StoreKey = storeKey(token, c.First)
	}
	if c.CheckpointInterval == 0 {
		c.CheckpointInterval = defaultCheckpointInterval
	}
	if c.IdentifyInterval == 0 {
		c.IdentifyInterval = defaultIdentifyInterval
	}
	if c.Dials == 0 {
		c.Dials = defaultDials
	}
	switch {
	case c.Shard.PayloadHandler != nil:
		return errGroupHandlers
	case c.CheckpointInterval < 0 || c.IdentifyInterval < 0:
		return errors.New("gatewayshard: an interval of the group is negative")
	case c.Total > maxShards || c.First > maxShards || c.Count > maxShards:
		return fmt.Errorf("gatewayshard: more than %d shards", maxShards)
	case c.Total > 0 && (c.First >= c.Total || c.First+c.Count > c.Total):
		return fmt.Errorf("gatewayshard: shards from %d to %d are not below the total of %d", c.First, c.First+c.Count, c.Total)
	case c.Dials < 0:
		return errors.New("gatewayshard: the number of dials of the group is negative")
	case c.ReservedStarts < 0:
		return errors.New("gatewayshard: reserved session starts are negative")
	}
	return errors.Join(c.Queue.check(), c.Reshard.setDefaults())
}

// Shard returns one of the shards, to write commands and to look at: a Shard
// that is closed is not started again. It is nil for a shard that the
// group does not run, and before Run does.
func (g *Group) Shard(id gateway.ShardID) *Shard {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.generations) == 0 {
		return nil
	}
	return g.generations[0].shard(id)
}

// ShardOf returns the shard that a guild belongs to, see [Group.Shard].
func (g *Group) ShardOf(guild uint64) *Shard {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.generations) == 0 {
		return nil
	}
	gen := g.generations[0]
	return gen.shard(gateway.DeriveShardID(guild, gen.total))
}

// asked reports whether Discord was asked for what is needed, and for the limits.
func (g *Group) asked() bool { return g.config.Total == 0 || g.config.MaxConcurrency == 0 }

// String returns a short description without the token.
func (g *Group) String() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.generations) == 0 {
		return "gatewayshard: group without shards"
	}
	return g.generations[0].String()
}

// GoString returns what String returns.
func (g *Group) GoString() string { return g.String() }
