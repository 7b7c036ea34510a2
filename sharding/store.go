package sharding

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/snowflake"
)

// A Store keeps the sessions of groups between processes, see
// [Config].Store. Implementations are safe for concurrent use. They keep
// what they are given as a whole: after a crash Load returns what an earlier
// Save stored, never a mixture.
//
// A group calls Load once, when [Group.Run] begins, and Save once before it
// dials anything, so that a store can note who has the shards now. It
// makes one call at a time, with a deadline ([Config].StoreTimeout), and gives
// up one that does not obey it. A store that fails does not stop events: the
// failure is a log line, a number in Stats, and a call of Hooks.Checkpoint.
// [ErrFenced] and [ExactStore] are the exceptions.
type Store interface {
	// Load returns what was saved last under the key, the zero Checkpoint if
	// nothing was.
	Load(ctx context.Context, key string) (Checkpoint, error)

	// Save replaces what is stored under the key. When it returns, a crash of
	// the process does not undo it. It does not keep c.Shards.
	Save(ctx context.Context, key string, c Checkpoint) error
}

// An ExactStore is a [Store] that always knows how far handlers are, such as
// a log to which they write: what it loads is not older than what handlers have
// seen. So RESUMED need not wait for a save, and [Event.Replay] is
// never set. Nothing is dialed before its first Save has succeeded: a failure
// ends [Group.Run].
type ExactStore interface {
	Store

	// Exact does nothing.
	Exact()
}

// A Checkpoint is what the next process needs to resume the sessions of a
// group. It contains no token.
type Checkpoint struct {
	// Total is the shard count that the sessions were identified with.
	Total uint `json:"total"`

	// Saved is when the checkpoint was made.
	Saved time.Time `json:"saved"`

	// Identified is when a shard of the group identified last. The next process
	// must not do so too soon after it.
	Identified time.Time `json:"identified"`

	// User is the bot, as READY named it; zero: it is not known. A session that is
	// resumed is not told it again, and voice needs it.
	User snowflake.ID `json:"user,omitempty"`

	// MaxConcurrency is the number of identify buckets that Discord gave, and
	// URL that of the gateway, zero and empty if they were not asked for.
	// With them a group can start while Discord's API does not answer.
	MaxConcurrency uint   `json:"max_concurrency,omitempty"`
	URL            string `json:"url,omitempty"`

	// Deaths is how many processes in a row will have died before each shard
	// had a session that was stored, if this one dies now.
	Deaths int `json:"deaths,omitempty"`

	// Budget is a [github.com/discordpkg/gateway/lifecycle.BudgetState]: the
	// identifies of the last 24 hours. One that another version of this library
	// wrote is ignored.
	Budget json.RawMessage `json:"budget,omitempty"`

	// Shards are those that have a session, in the order of their ids.
	Shards []ShardCheckpoint `json:"shards"`
}

// A ShardCheckpoint is the session of one shard.
type ShardCheckpoint struct {
	ID gateway.ShardID `json:"shard"`

	// Session is what the shard resumes with. Its sequence number is that of
	// the last event up to which handlers have finished, without a gap.
	Session gateway.Session `json:"session"`

	// Seen is the sequence number of the last event that a handler was called
	// with. Events after Session.Seq up to Seen are replayed although a handler
	// has seen them.
	Seen int64 `json:"seen"`

	// Open reports that handlers may have seen events later than Seen: the
	// group was running when the checkpoint was made. They have seen none
	// behind the first RESUMED that is later than Resumed.
	Open    bool  `json:"open,omitempty"`
	Resumed int64 `json:"resumed,omitempty"`

	// Deaths is how many processes in a row, this one included, will have died
	// without progress of the shard if this one dies now. Suspect is the event that handlers have,
	// where that is known, and SuspectDeaths how many processes will have died of it. See
	// [Config].SetAsideAfter.
	Deaths        int   `json:"deaths,omitempty"`
	Suspect       int64 `json:"suspect,omitempty"`
	SuspectDeaths int   `json:"suspect_deaths,omitempty"`

	// Life is a [github.com/discordpkg/gateway/lifecycle.ShardState]: what the shard knows besides its session,
	// such as how often that could not be resumed. One that another version of
	// this library wrote is ignored.
	Life json.RawMessage `json:"life,omitempty"`
}

func (c ShardCheckpoint) equal(other ShardCheckpoint) bool {
	return c.ID == other.ID && c.Session == other.Session && c.Seen == other.Seen && c.Open == other.Open &&
		c.Resumed == other.Resumed &&
		c.Deaths == other.Deaths && c.Suspect == other.Suspect && c.SuspectDeaths == other.SuspectDeaths && bytes.Equal(c.Life, other.Life)
}

// exact returns what handlers have seen if a store knows that exactly.
func (c *ShardCheckpoint) exact() *ShardCheckpoint {
	return &ShardCheckpoint{ID: c.ID, Session: c.Session, Seen: c.Session.Seq, Life: c.Life}
}

const (
	maxText     = 4 << 10 // bytes of a session id or a URL
	maxStoreKey = 100
)

var errStoreKey = errors.New("sharding: store: a key has 1 to 100 letters, digits, '-' and '_'")

// check judges a checkpoint that comes from outside.
func (c *Checkpoint) check() error {
	if c.Total > maxShards || len(c.Shards) > int(c.Total) {
		return fmt.Errorf("%d sessions of %d shards", len(c.Shards), c.Total)
	}
	if c.Deaths < 0 || c.MaxConcurrency > maxShards || len(c.URL) > maxText {
		return errors.New("a max_concurrency or a url that is too large, or a negative number of deaths")
	}
	last := -1
	for _, s := range c.Shards {
		switch {
		case int64(s.ID) <= int64(last) || uint(s.ID) >= c.Total:
			return fmt.Errorf("shard %d of %d behind shard %d", s.ID, c.Total, last)
		case s.Session.ID == "" || len(s.Session.ID) > maxText || len(s.Session.ResumeURL) > maxText:
			return fmt.Errorf("shard %d has no session id, or one that is too long", s.ID)
		case s.Session.Seq < 0 || s.Seen < 0 || s.Resumed < 0 || s.Suspect < 0:
			return fmt.Errorf("shard %d has a negative sequence number", s.ID)
		case s.Deaths < 0 || s.SuspectDeaths < 0:
			return fmt.Errorf("shard %d has a negative number of deaths", s.ID)
		}
		last = int(s.ID)
	}
	return nil
}

func (c *Checkpoint) clone() Checkpoint {
	d := *c
	d.Shards = slices.Clone(c.Shards)
	return d
}

func checkStoreKey(key string) error {
	if key == "" || len(key) > maxStoreKey {
		return errStoreKey
	}
	for _, b := range []byte(key) {
		if (b < 'a' || b > 'z') && (b < 'A' || b > 'Z') && (b < '0' || b > '9') && b != '-' && b != '_' {
			return errStoreKey
		}
	}
	return nil
}

// storeKey names the sessions of a bot's shards from first on. The token
// cannot be computed from it.
func storeKey(token string, first uint) string {
	sum := sha256.Sum256([]byte("gateway session store\x00" + token))
	return fmt.Sprintf("%s-%d", hex.EncodeToString(sum[:12]), first)
}

// A MemoryStore keeps sessions between the groups of one process: for tests,
// and for programs that replace a group by another. The zero MemoryStore is
// empty and ready to use.
type MemoryStore struct {
	mu     sync.Mutex // guards stored
	stored map[string]Checkpoint
}

// Load implements [Store].
func (s *MemoryStore) Load(_ context.Context, key string) (Checkpoint, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.stored[key]
	return c.clone(), nil
}

// Save implements [Store].
func (s *MemoryStore) Save(_ context.Context, key string, c Checkpoint) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stored == nil {
		s.stored = make(map[string]Checkpoint)
	}
	s.stored[key] = c.clone()
	return nil
}
