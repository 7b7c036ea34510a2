package voiceserver

import (
	"io"
	"time"

	"github.com/discordpkg/gateway/lvsp"
	"github.com/discordpkg/gateway/snowflake"
	"github.com/discordpkg/gateway/voiceserver/signaling"
)

// What a [Server] shares with its pure half for websockets.
type (
	// A Member is a user in a voice channel, see [signaling.Member].
	Member = signaling.Member

	// A MemberState is what a member may not do, see [signaling.MemberState].
	MemberState = signaling.MemberState

	// A Delivery is the server's part of end-to-end encryption, see [signaling.Delivery].
	Delivery = signaling.Delivery

	// A Violation is a breach of the rules by a client, see [signaling.Violation].
	Violation = signaling.Violation
)

// Errors about who may join.
var (
	ErrMember      = signaling.ErrMember
	ErrNoMember    = signaling.ErrNoMember
	ErrChannelFull = signaling.ErrChannelFull
)

// rule makes an option of the pure half one of the server.
func rule(o signaling.Option) Option {
	return func(s *settings) error { s.rules = append(s.rules, o); return nil }
}

// WithHeartbeat sets the interval that Hello asks for, 13.75 s by default and
// 1 ms at least, and how long a beat may be late before the connection is
// closed with 4009, 20 s by default.
func WithHeartbeat(interval, grace time.Duration) Option {
	return rule(signaling.WithHeartbeat(interval, grace))
}

// WithLoginTimeout sets how long a connection may take to identify or resume
// before it is closed with 4003, 10 s by default, 1 ms at least. A request over
// HTTP may take as long. When there are more than 256 connections that have not
// identified, the oldest of them is broken.
func WithLoginTimeout(d time.Duration) Option { return rule(signaling.WithLoginTimeout(d)) }

// WithSessionLife sets how long a session without a connection can be
// resumed, 1 minute by default. Its audio goes on as long.
func WithSessionLife(d time.Duration) Option { return rule(signaling.WithSessionLife(d)) }

// WithMessageRate sets how many messages a member may send in any 60 seconds,
// over all of its connections, 120 by default. One more earns close code 4021.
func WithMessageRate(perMinute int) Option { return rule(signaling.WithMessageRate(perMinute)) }

// WithMessageSize sets the size in bytes of the largest binary message that a
// client may send, 256 KiB by default, 4 KiB at least. A larger one earns close
// code 4002. For text, and before a client has identified, the limit is 4 KiB.
func WithMessageSize(bytes int) Option { return rule(signaling.WithMessageSize(bytes)) }

// WithReplay bounds what a session keeps for a resume, by default the last 512
// messages and 1 MiB; 32,768 messages at most. A resume that needs more is
// closed with 4006.
func WithReplay(messages, bytes int) Option { return rule(signaling.WithReplay(messages, bytes)) }

// WithSequence sets the number of the first message of each session, 1 by
// default. Numbers have 16 bits: from 65535 on they start at 0 again.
func WithSequence(first uint16) Option { return rule(signaling.WithSequence(first)) }

// WithChannelSize sets how many members a channel may have, 500 by default.
func WithChannelSize(members int) Option { return rule(signaling.WithChannelSize(members)) }

// WithModes sets the encryption modes on offer, see [signaling.WithModes].
func WithModes(modes ...string) Option { return rule(signaling.WithModes(modes...)) }

// WithE2EERequired closes with 4017 on clients that do not offer end-to-end
// encryption, as Discord does outside of stage channels. By default calls go on
// without it as long as there is such a client.
func WithE2EERequired() Option { return rule(signaling.WithE2EERequired()) }

// WithDelivery makes a delivery service for each channel when its first member
// comes, instead of a [dave.Delivery]. The function is called while the server
// stands still. An error keeps the member out; channels for which it returns
// nil are not encrypted end to end.
func WithDelivery(channel func(channel snowflake.ID) (Delivery, error)) Option {
	return rule(signaling.WithDelivery(channel))
}

// WithoutE2EE turns end-to-end encryption off for all channels.
func WithoutE2EE() Option { return rule(signaling.WithoutE2EE()) }

// WithTokenKey makes the tokens of members follow from a key, good for life,
// see [signaling.WithTokenKey]. By default they are random.
func WithTokenKey(key lvsp.TokenKey, life time.Duration) Option {
	return rule(signaling.WithTokenKey(key, life))
}

// WithRandom sets where tokens, keys and SSRCs come from, [rand.Reader] by
// default. A source that can be predicted is for tests only.
func WithRandom(source io.Reader) Option { return rule(signaling.WithRandom(source)) }

// WithRecord sets how many of the last violations are kept, 1000 by default.
func WithRecord(n int) Option { return rule(signaling.WithRecord(n)) }
