package sharding

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/command"
	"github.com/discordpkg/gateway/gatewayshard"
	"github.com/discordpkg/gateway/intent"
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
// not read (but heartbeats), unless the group has a [Queue], or a call waits for an
// event: see [Group.Await]. The context of a handler ends with that of
// [Group.Run]. An error of a handler is reported and changes nothing else, and
// so is a panic, see [Hooks]. A handler that runs longer than Config.Shard.HandlerLimit is
// logged, and counted in [ShardStats].
//
// # What a resumed session does not tell
//
// A process that resumes stored sessions gets what its predecessor missed, and
// neither READY nor a GUILD_CREATE for each guild: its caches begin empty. Load
// them from where the former process has left them, or ask the HTTP API, or
// give up the sessions with Config.StartFresh.
//
// # What a crash costs
//
// With a [Store], the sessions are saved every few seconds, and in the end. A
// saved sequence number is never ahead of what handlers have finished, so the
// next process has the rest replayed: no event is lost while Discord keeps the
// session. An event that a handler of the former process may have seen has
// [Event.Replay] set: after a crash, every event up to RESUMED, because no process
// knows how far the handlers came; after an orderly end exactly those that were
// handed out and not acknowledged, usually none. An event whose handler
// returns an error because its context ended is not acknowledged.
type Group struct {
	token   func() string // a function, so that no string form shows it
	config  Config
	options []gateway.Option
	log     *slog.Logger
	quiet   bool // no logger was given

	registering sync.Mutex // taken to change the handlers, before mu
	routes      atomic.Pointer[handlers]

	identify *identifyQueue // set by Run before any shard starts
	givenURL bool           // an option names another gateway than Discord's

	closing  chan struct{} // closed by Close
	ended    chan struct{} // closed when Run returns
	discard  atomic.Bool   // what waits in queues is left for the next process
	dirty    chan struct{} // a session has changed
	urgent   chan struct{} // a save that is waited for
	deaths   int           // processes before this one that died before each shard had a session, set by Run
	failures chan error    // of the current generation, the first one
	hopeless chan error    // what the group cannot go on with
	calls    *storeCalls
	fenced   atomic.Bool // a newer owner has the shards

	waiters    waiters
	user       atomic.Uint64 // the bot, zero: not known
	latency    latencies
	resharding atomic.Bool
	changeover atomic.Pointer[changeover] // nil unless the group is being resharded
	running    sync.WaitGroup             // what Run started besides

	mu          sync.Mutex      // guards what follows
	run         context.Context // of Run, ends with it
	started     bool
	intents     intent.Type // of the sessions, once started
	closed      bool
	mode        gatewayshard.CloseMode
	stop        context.CancelCauseFunc // ends the context of handlers and shards
	generations []*generation           // that run; the first is the one whose sessions are saved
	moved       chan struct{}           // closed and replaced when the first is another one
	url         string                  // that Discord gave, empty if it was not asked
	unanswered  bool                    // Discord was asked, and has not answered yet
	partial     bool                    // the set of shards was changed
	finishing   bool                    // Run waits for what runs
	refused     tooFew                  // that waits for the end of a reshard
	closers     sync.WaitGroup          // of Close
	saved       Checkpoint              // the last one
	saveErr     error                   // of the last attempt
	saveFailed  uint64                  // attempts that failed
	awaiting    []chan struct{}         // closed after the next attempt
}

// NewGroup returns a group with a handler for all events and otherwise the
// defaults of [Config].
func NewGroup(token string, handler func(ctx context.Context, e Event) error, options ...gateway.Option) (*Group, error) {
	return Config{Handler: handler}.NewGroup(token, options...)
}

// NewGroup returns a group that is not running. The options configure each
// connection of each shard; shard id, shard count, session and identify limiter
// are the group's business.
func (c Config) NewGroup(token string, options ...gateway.Option) (*Group, error) {
	quiet := c.Shard.Logger == nil
	if err := c.setDefaults(token); err != nil {
		return nil, err
	}
	g := &Group{
		token:    func() string { return token },
		config:   c,
		options:  append([]gateway.Option(nil), options...),
		log:      c.Shard.Logger,
		quiet:    quiet,
		closing:  make(chan struct{}),
		moved:    make(chan struct{}),
		ended:    make(chan struct{}),
		dirty:    make(chan struct{}, 1),
		urgent:   make(chan struct{}, 1),
		failures: make(chan error, 1),
		hopeless: make(chan error, 1),
		calls:    newStoreCalls(c.StoreTimeout),
		stop:     func(error) {},
	}
	if err := c.probe(token, g.options); err != nil {
		return nil, err
	}
	return g, g.judgeURL()
}

// judgeURL refuses to send the token of one backend to another: a group that was
// given the URL of a gateway does not ask discord.com unless it was told to.
func (g *Group) judgeURL() error {
	state, err := gateway.NewGatewayState(g.token(), append(g.options[:len(g.options):len(g.options)], gateway.WithShardCount(1))...)
	if err != nil {
		return err
	}
	defer state.Close()
	g.givenURL = gateway.JudgeURL(state.URL(), gateway.DefaultURL) != nil
	if g.givenURL && g.asked() && g.config.Discovery.API == "" {
		return errForeignGateway
	}
	return nil
}

// probe judges the options and the configuration of the shards now rather than
// when the shards start.
func (c Config) probe(token string, options []gateway.Option) error {
	options = append(options[:len(options):len(options)], gateway.WithShardCount(1))
	shard, err := c.Shard.NewShard(0, token, nil, options...)
	if err != nil {
		return err
	}
	return shard.Close(context.Background(), gatewayshard.KeepSession)
}

// Shard returns one of the shards, to write commands and to look at: a [gatewayshard.Shard]
// that is closed is not started again. It is nil for a shard that the
// group does not run, and before Run does.
func (g *Group) Shard(id gateway.ShardID) *gatewayshard.Shard {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.generations) == 0 {
		return nil
	}
	return g.generations[0].shard(id)
}

// ShardOf returns the shard that a guild belongs to, see [Group.Shard].
func (g *Group) ShardOf(guild uint64) *gatewayshard.Shard {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.generations) == 0 {
		return nil
	}
	gen := g.generations[0]
	return gen.shard(gateway.DeriveShardID(guild, gen.total))
}

// UpdateVoiceState sends opcode 4 on the shard of the guild: a group is the
// gateway of the voice connections of its guilds. The error is [ErrNoShard] if
// the group runs no shard for the guild, or what [gatewayshard.Shard.Send] returns.
//
// https://discord.com/developers/docs/events/gateway-events#update-voice-state
func (g *Group) UpdateVoiceState(ctx context.Context, v command.VoiceState) error {
	shard := g.ShardOf(uint64(v.GuildID))
	if shard == nil {
		return ErrNoShard
	}
	return shard.UpdateVoiceState(ctx, v)
}

// asked reports whether Discord was asked for what is needed, and for the limits.
func (g *Group) asked() bool { return g.config.Total == 0 || g.config.MaxConcurrency == 0 }

// String returns a short description without the token.
func (g *Group) String() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.generations) == 0 {
		return "sharding: group without shards"
	}
	return g.generations[0].String()
}

// GoString returns what String returns.
func (g *Group) GoString() string { return g.String() }
