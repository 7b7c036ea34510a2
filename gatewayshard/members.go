package gatewayshard

import (
	"context"
	"crypto/rand"
	"errors"
	"iter"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/command"
	"github.com/discordpkg/gateway/internal/wire"
	"github.com/discordpkg/gateway/lifecycle"
	"github.com/discordpkg/gateway/snowflake"
)

// A GuildMembersChunk is a part of the answer to [Shard.RequestGuildMembers].
// Members and presences are left as JSON, for [gateway.Decode].
//
// https://discord.com/developers/docs/events/gateway-events#guild-members-chunk
type GuildMembersChunk struct {
	GuildID   snowflake.ID         `json:"guild_id"`
	Members   []gateway.RawMessage `json:"members"`
	Index     int                  `json:"chunk_index"`
	Count     int                  `json:"chunk_count"`
	NotFound  []gateway.RawMessage `json:"not_found"` // ids of users that are no members
	Presences []gateway.RawMessage `json:"presences"`
	Nonce     string               `json:"nonce"`
}

// A collector holds the chunks of one request, until the range loop takes them.
// The mutex of the shard guards it.
type collector struct {
	conn    *connection
	chunks  []chunk
	waiting bool          // the range loop waits for the next one
	err     error         // that ends the range loop
	ready   chan struct{} // one element: look again
}

type chunk struct {
	*GuildMembersChunk
	size int // bytes of its data
}

// RequestGuildMembers asks for members of a guild, and iterates over the chunks
// of the answer until the last one. The iterator may be used once. It ends
// with an error when ctx ends, when the connection does ([*LostError] and what
// else EventLoop returns; the answer is not repeated after a resume), when
// Discord refuses ([*MembersLimitError]), and when the request is wrong or
// cannot be written, see [Shard.Send].
//
// Discord does not answer for guilds that the shard does not have: bound ctx.
// Chunks are matched by nonce; an empty Nonce is replaced by a random one. The
// handler receives the events too, if it wants them.
//
// While the body of the range loop runs the shard does not read, unless another call waits: nothing is lost
// and nothing piles up. It may be called from anywhere, the handler included, see
// [Shard.Await]; then it may end with [ErrBufferFull].
func (s *Shard) RequestGuildMembers(ctx context.Context, request command.GuildMembersRequest) iter.Seq2[*GuildMembersChunk, error] {
	return func(yield func(*GuildMembersChunk, error) bool) {
		if request.Nonce == "" {
			request.Nonce = rand.Text()
		}
		col, err := s.addCollector(request.Nonce)
		if err == nil {
			defer s.removeCollector(request.Nonce, col)
			err = s.Send(ctx, request)
		}
		for count := 1; err == nil; count++ {
			var chunk *GuildMembersChunk
			if chunk, err = s.nextChunk(ctx, col); err != nil {
				break
			}
			if !yield(chunk, nil) || count >= chunk.Count {
				return
			}
		}
		yield(nil, err)
	}
}

// nextChunk returns the next chunk, or why there is none.
func (s *Shard) nextChunk(ctx context.Context, col *collector) (*GuildMembersChunk, error) {
	for {
		chunk, err := s.takeChunk(col)
		if chunk != nil || err != nil {
			return chunk, err
		}
		select {
		case <-col.ready:
		case <-col.conn.quit:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// takeChunk returns what there is. When there is nothing, the range loop waits from now on.
func (s *Shard) takeChunk(col *collector) (*GuildMembersChunk, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := col.conn
	switch {
	case c.closing:
		return nil, ErrClosed
	case len(col.chunks) > 0:
		next := col.chunks[0]
		col.chunks = col.chunks[1:]
		c.ahead.chunks--
		c.ahead.bytes -= next.size
		c.turn.Broadcast()
		return next.GuildMembersChunk, nil
	case col.err != nil:
		return nil, col.err
	case c.quitting:
		return nil, c.err
	case !col.waiting:
		col.waiting = true
		s.waiting++
		c.relieve()
		c.turn.Broadcast()
	}
	return nil, nil
}

func (s *Shard) addCollector(nonce string) (*collector, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.conn == nil:
		return nil, ErrNotConnected
	case s.collectors[nonce] != nil:
		return nil, errors.New("gatewayshard: request guild members: the nonce is in use")
	case s.collectors == nil:
		s.collectors = make(map[string]*collector)
	}
	col := &collector{conn: s.conn, ready: make(chan struct{}, 1)}
	s.collectors[nonce] = col
	return col, nil
}

func (s *Shard) removeCollector(nonce string, col *collector) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.collectors, nonce)
	for _, chunk := range col.chunks {
		col.conn.ahead.chunks--
		col.conn.ahead.bytes -= chunk.size
	}
	col.chunks = nil
	s.wake(col)
}

// wake ends the wait of the range loop. The caller holds mu.
func (s *Shard) wake(col *collector) {
	if col.waiting {
		col.waiting = false
		s.waiting--
	}
	select {
	case col.ready <- struct{}{}:
	default:
	}
	col.conn.turn.Broadcast()
}

// collector returns the request with a nonce, nil if there is none. The caller holds mu.
func (c *connection) collector(nonce string) *collector {
	if col := c.shard.collectors[nonce]; col != nil && col.conn == c {
		return col
	}
	return nil
}

// collectChunk hands a GUILD_MEMBERS_CHUNK to the request that it answers. It
// runs on the goroutine that reads.
func (c *connection) collectChunk(data gateway.RawMessage) {
	members, err := gateway.Decode[GuildMembersChunk](data)
	if err != nil {
		return
	}
	c.shard.mu.Lock()
	defer c.shard.mu.Unlock()
	if col := c.collector(members.Nonce); col != nil {
		col.chunks = append(col.chunks, chunk{&members, len(data)})
		c.ahead.chunks++
		c.ahead.bytes += len(data)
		c.shard.wake(col)
	}
}

// collectLimit tells a request that Discord will not answer it.
//
// https://discord.com/developers/docs/events/gateway-events#rate-limited
func (c *connection) collectLimit(data gateway.RawMessage) {
	limit, err := gateway.Decode[struct {
		RetryAfter wire.Number `json:"retry_after"` // seconds
		Meta       struct {
			Nonce string `json:"nonce"`
		} `json:"meta"`
	}](data)
	if err != nil {
		return
	}
	wait, ok := limit.RetryAfter.Duration(time.Second, lifecycle.MaxRetryAfter)
	if !ok { // it makes no sense, or is too long
		wait = lifecycle.MaxRetryAfter
	}
	c.shard.mu.Lock()
	defer c.shard.mu.Unlock()
	if col := c.collector(limit.Meta.Nonce); col != nil {
		col.err = &MembersLimitError{RetryAfter: wait}
		c.shard.wake(col)
	}
}
