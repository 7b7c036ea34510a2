package sharding

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/gatewayshard"
)

// A Config is what a [Group] needs to know. The zero Config is ready
// to use: it runs all the shards that Discord recommends.
type Config struct {
	// Shard is the configuration of each shard. Its PayloadHandler, HandlerPanic
	// and BeforeDial must be nil.
	Shard gatewayshard.Config

	ownBudget bool // the group made Shard.Shared

	// Total is the shard count of the bot, over all of its processes. Zero
	// takes that of the stored sessions, or else what Discord recommends.
	Total uint

	// The group runs the shards First up to First+Count, all from First on if
	// Count is zero.
	First, Count uint

	// StartEmpty starts the group without shards, whatever the store has: it runs
	// those of [Group.Claim]. Total must be given.
	StartEmpty bool

	// MaxConcurrency is the number of identify buckets. Zero asks Discord.
	MaxConcurrency uint

	// Discovery asks Discord, unless Total and MaxConcurrency are both given:
	// then the session start limit is not known, and not kept.
	Discovery Discovery

	// StartFresh starts new sessions though the store has some: READY and
	// GUILD_CREATE come again, and caches fill. It costs an identify for each shard,
	// and what happened since the last process is not replayed. See [Group]
	// for what a session that is resumed does not tell.
	StartFresh bool

	// StartTimeout is how long Run waits for an answer while Discord's API, or
	// the network, is down. By default it waits until there is one. Stored
	// sessions are resumed without an answer; shards that have to identify then
	// keep to the MaxConcurrency of the store.
	StartTimeout time.Duration

	// Handler receives the events of all shards. See [Group] for what it may
	// rely on. Without one, only events with a handler of their own are
	// decoded: see [Handle] and [Group.On].
	Handler func(ctx context.Context, e Event) error

	// Queue lets a shard read ahead of a slow handler.
	Queue Queue

	// ManualAcknowledge leaves it to [Event.Acknowledge] to say that an event
	// was dealt with. Otherwise the return of the handler does.
	ManualAcknowledge bool

	// Store keeps the sessions for the next process. By default they are not kept.
	Store Store

	// StoreKey names the sessions in the store. The default is made of a hash
	// of the token and of First.
	StoreKey string

	// SetAsideAfter is the number of processes that may end on one event before
	// it is set aside: 3 by default and at least, never if it is negative. It takes a
	// Store. After two processes that made no progress a shard saves before each event, until it is past the replay, so that
	// the next process knows which one it was. What is set aside is logged as an error, counted in
	// [ShardStats].SetAside, given to Hooks.SetAside, and acknowledged.
	SetAsideAfter int

	// CheckpointInterval is the time between two saves, 5 s by default. New
	// sessions are saved at once. After a crash events of this time are
	// replayed.
	CheckpointInterval time.Duration

	// StoreTimeout is how long each call to the store may take, 10 s by default.
	StoreTimeout time.Duration

	// IdentifyLimiter decides when a shard may identify. The default keeps
	// IdentifyInterval in each bucket of this process; processes that share a
	// bot need one that they share too, unless they have buckets of their own.
	IdentifyLimiter gateway.IdentifyRateLimiter

	// IdentifyReserver hands out turns to identify, in place of the limiter and
	// of the order that the group keeps otherwise: for groups that share their
	// bot with other processes.
	IdentifyReserver IdentifyReserver

	// StopAtSessionLimit ends Run with a [*SessionLimitError] when there are no
	// session starts left for a shard. Otherwise the shard waits until there
	// are, which the log and [GroupStats].LimitedUntil tell.
	StopAtSessionLimit bool

	// IdentifyInterval is the time between two identifies of one bucket, 5.04 s
	// by default: Discord's 5 s, and a margin for connections that are not
	// equally fast.
	IdentifyInterval time.Duration

	// ReservedStarts is the number of session starts that the group leaves of
	// the day's limit, for whatever else has to start: 5 % and at least one by
	// default, none if it is negative. See [SessionLimitError].
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

	// HandlerPanic is called when a handler panics, or ends its goroutine with
	// [runtime.Goexit]: then the value is [gatewayshard.ErrHandlerExit]. The event counts as
	// acknowledged, as after an error, and the other handlers of it are called. Without the hook the panic is
	// logged with its stack, to [slog.Default] if there is no Logger.
	HandlerPanic func(e Event, err *gatewayshard.PanicError)

	// Dropped is called for each event that a full queue dropped.
	Dropped func(e Event)

	// SetAside is called for each event that has ended so many processes that
	// handlers do not get it any more: see Config.SetAsideAfter.
	SetAside func(e Event)

	// Checkpoint is called after each attempt to save the sessions. It is where
	// a failing store is noticed.
	Checkpoint func(took time.Duration, err error)

	// Progress is called when the progress of a shard has moved: see
	// [Group.Checkpoint]. It comes right after the acknowledgement of an event,
	// and within CheckpointInterval for events that were not wanted. Calls for
	// one shard may overtake each other when events are acknowledged
	// concurrently: within a session the larger sequence number holds.
	Progress func(c ShardCheckpoint)

	// Session is called when a shard has started or resumed a session.
	Session func(shard gateway.ShardID, resumed bool)

	// Disconnected is called when a shard begins to wait between two connections:
	// the error that ended the last one, or kept it from being opened, how many
	// in a row came to nothing, and how long the shard waits, as far as is known.
	Disconnected func(shard gateway.ShardID, err error, failures int, wait time.Duration)

	// Phase is called when the phase of a shard has changed, see
	// [gatewayshard.Config].PhaseChanged.
	Phase func(shard gateway.ShardID, phase gatewayshard.Phase)

	// Latency is called for each round trip of a shard's heartbeats, within
	// CheckpointInterval.
	Latency func(shard gateway.ShardID, latency time.Duration)
}

const (
	defaultCheckpointInterval = 5 * time.Second
	defaultDials              = 128

	// defaultIdentifyInterval uses 99.2 % of what Discord allows.
	defaultIdentifyInterval = 5040 * time.Millisecond

	defaultStoreTimeout = 10 * time.Second

	// resumedPatience is how long a shard that has resumed waits for the store.
	resumedPatience = 2 * time.Second
)

func (c *Config) setDefaults(token string) error {
	if c.Shard.Logger == nil {
		c.Shard.Logger = slog.New(slog.DiscardHandler)
	}
	if c.StoreKey == "" {
		c.StoreKey = storeKey(token, c.First)
	}
	if c.CheckpointInterval == 0 {
		c.CheckpointInterval = defaultCheckpointInterval
	}
	if c.StoreTimeout == 0 {
		c.StoreTimeout = defaultStoreTimeout
	}
	if c.IdentifyInterval == 0 {
		c.IdentifyInterval = defaultIdentifyInterval
	}
	if err := c.boundDials(); err != nil {
		return err
	}
	switch {
	case c.Shard.PayloadHandler != nil, c.Shard.BeforeDial != nil, c.Shard.HandlerPanic != nil:
		return errGroupHandlers
	case c.StartEmpty && (c.Total == 0 || c.Count > 0):
		return errors.New("sharding: a group that starts empty needs the total, and no count")
	case c.IdentifyLimiter != nil && c.IdentifyReserver != nil:
		return errors.New("sharding: both an identify limiter and a reserver")
	case c.CheckpointInterval < 0 || c.IdentifyInterval < 0 || c.StoreTimeout < 0 || c.StartTimeout < 0:
		return errors.New("sharding: an interval or a timeout of the group is negative")
	case c.Total > maxShards || c.First > maxShards || c.Count > maxShards:
		return fmt.Errorf("sharding: more than %d shards", maxShards)
	case c.Total > 0 && (c.First >= c.Total || c.First+c.Count > c.Total):
		return fmt.Errorf("sharding: shards from %d to %d are not below the total of %d", c.First, c.First+c.Count, c.Total)
	}
	return errors.Join(c.setHandlerDefaults(), c.Queue.check(), c.Reshard.setDefaults(), c.share())
}

func (c *Config) setHandlerDefaults() error {
	if c.SetAsideAfter == 0 {
		c.SetAsideAfter = defaultSetAsideAfter
	}
	if c.Shard.HandlerLimit == 0 {
		c.Shard.HandlerLimit = defaultHandlerLimit
	}
	switch {
	case c.SetAsideAfter > 0 && c.SetAsideAfter < defaultSetAsideAfter:
		return fmt.Errorf("sharding: an event cannot be set aside after less than %d processes", defaultSetAsideAfter)
	case c.Shard.HandlerLimit < 0:
		return errors.New("sharding: the handler limit is negative")
	}
	return nil
}

// boundDials sets the bound that the shards share.
func (c *Config) boundDials() (err error) {
	switch {
	case c.Dials != 0 && c.Shard.DialBound != nil:
		return errors.New("sharding: both a number of dials and a bound on them")
	case c.Shard.DialBound != nil:
		return nil
	case c.Dials == 0:
		c.Dials = defaultDials
	}
	if c.Shard.DialBound, err = gatewayshard.NewDialBound(c.Dials); err != nil {
		return fmt.Errorf("sharding: %w", err)
	}
	return nil
}
