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

// A collector takes the chunks of one request from the event loop.
type collector struct {
	chunks  chan *GuildMembersChunk // unbuffered: the loop waits
	limited chan time.Duration      // one element
	left    chan struct{}           // closed when nobody collects any more
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
// The event loop waits while the body of the range loop runs: nothing is lost
// and nothing piles up. From within the handler it fails with [ErrInHandler].
func (s *Shard) RequestGuildMembers(ctx context.Context, request command.GuildMembersRequest) iter.Seq2[*GuildMembersChunk, error] {
	return func(yield func(*GuildMembersChunk, error) bool) {
		if request.Nonce == "" {
			request.Nonce = rand.Text()
		}
		c, col, err := s.addCollector(request.Nonce)
		if err == nil {
			defer s.removeCollector(request.Nonce, col)
			err = s.Send(ctx, request)
		}
		for count := 1; err == nil; count++ {
			var chunk *GuildMembersChunk
			if chunk, err = c.nextChunk(ctx, col); err != nil {
				break
			}
			if !yield(chunk, nil) || count >= chunk.Count {
				return
			}
		}
		yield(nil, err)
	}
}

func (c *connection) nextChunk(ctx context.Context, col *collector) (*GuildMembersChunk, error) {
	select {
	case chunk := <-col.chunks:
		return chunk, nil
	case after := <-col.limited:
		return nil, &MembersLimitError{RetryAfter: after}
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-c.quit:
	}
	select {
	case <-c.ended:
		return nil, c.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (s *Shard) addCollector(nonce string) (*connection, *collector, error) {
	s.mu.Lock()
	c := s.conn
	s.mu.Unlock()
	if c == nil {
		return nil, nil, ErrNotConnected
	}
	if c.inHandler() {
		return nil, nil, ErrInHandler
	}
	col := &collector{
		chunks:  make(chan *GuildMembersChunk),
		limited: make(chan time.Duration, 1),
		left:    make(chan struct{}),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.collectors[nonce] != nil {
		return nil, nil, errors.New("gatewayshard: request guild members: the nonce is in use")
	}
	if s.collectors == nil {
		s.collectors = make(map[string]*collector)
	}
	s.collectors[nonce] = col
	return c, col, nil
}

func (s *Shard) removeCollector(nonce string, col *collector) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.collectors, nonce)
	close(col.left)
}

func (s *Shard) collector(nonce string) *collector {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.collectors[nonce]
}

func (s *Shard) collecting() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.collectors) > 0
}

// collectChunk hands a GUILD_MEMBERS_CHUNK to who waits for it. It runs on the loop.
func (c *connection) collectChunk(data gateway.RawMessage) {
	if !c.shard.collecting() {
		return
	}
	chunk, err := gateway.Decode[GuildMembersChunk](data)
	if err != nil {
		return
	}
	if col := c.shard.collector(chunk.Nonce); col != nil {
		select {
		case col.chunks <- &chunk:
		case <-col.left:
		case <-c.quit:
		}
	}
}

// collectLimit tells who waits for members that Discord will not send them.
//
// https://discord.com/developers/docs/events/gateway-events#rate-limited
func (c *connection) collectLimit(data gateway.RawMessage) {
	if !c.shard.collecting() {
		return
	}
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
	if col := c.shard.collector(limit.Meta.Nonce); col != nil {
		select {
		case col.limited <- wait:
		default:
		}
	}
}
