package signaling

import (
	"encoding/hex"
	"fmt"
	"io"
	"time"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/lvsp"
	"github.com/discordpkg/gateway/snowflake"
)

const tokenSize = 16 // bytes, twice as many characters

// A tokenKey makes tokens that can be checked without memory.
type tokenKey struct {
	lvsp.TokenKey
	life time.Duration
}

// WithTokenKey makes the tokens of members follow from a key, where otherwise
// they are random. They are good for life, after which they earn close code
// 4006, as does a resume with a token that is not known: clients then ask the
// main gateway anew. A server that takes the place of a crashed one and has
// the same key accepts the tokens of its members from before.
func WithTokenKey(key lvsp.TokenKey, life time.Duration) Option {
	return func(s *settings) error {
		if life < time.Second {
			return fmt.Errorf("signaling: WithTokenKey: life %v, must be 1 s at least", life)
		}
		s.tokens = &tokenKey{key, life}
		return nil
	}
}

// subject is the session id as tokens sign it. Backends share the key, and
// choose ids and session ids as they like.
func (m Member) subject() string {
	if m.Backend == "" {
		return m.SessionID
	}
	return m.Backend + "\x00" + m.SessionID
}

func (k *tokenKey) verify(now time.Time, token string, m *member) error {
	return k.Verify(token, m.Channel, m.User, m.subject(), now)
}

// issue gives a member a token.
func (v *Server) issue(now time.Time, m *member) error {
	if k := v.cfg.tokens; k != nil {
		m.token = k.Issue(m.Channel, m.User, m.subject(), now.Add(k.life))
		m.renewAt = now.Add(k.life / 2)
		return nil
	}
	var err error
	m.token, err = newToken(v.cfg.random)
	return err
}

func newToken(random io.Reader) (string, error) {
	var b [tokenSize]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("signaling: token: %w", err)
	}
	return hex.EncodeToString(b[:]), nil
}

// renew returns the token of a member, another one if half of its life is
// over. The former stays good.
func (v *Server) renew(now time.Time, m *member) (string, error) {
	if m.renewAt.IsZero() || now.Before(m.renewAt) {
		return m.token, nil
	}
	delete(v.byToken, m.token)
	err := v.issue(now, m)
	v.byToken[m.token] = m
	return m.token, err
}

// credentials are what a client shows.
type credentials struct {
	token        string
	server, user snowflake.ID // the user is zero in a resume
	session      string
}

// authenticate returns the member whose token it is, or closes the connection:
// with 4004 for a token that is no good, 4011 if it is for another server, 4006
// if it is for another session, or was good once, and 4021 if the member has
// sent too many messages. The one that shows the token counts for the member.
func (c *Conn) authenticate(now time.Time, shown credentials) *member {
	keyed := c.srv.cfg.tokens
	pass, common := c.srv.channelTokens[shown.token]
	m := c.srv.byToken[shown.token]
	switch {
	case m != nil:
	case common:
		m = c.srv.memberShowing(pass, shown)
	case keyed != nil && shown.user != 0:
		m = c.srv.reissued(now, shown)
	}
	switch {
	case m == nil && (common || keyed != nil && shown.user == 0):
		c.fail(now, closecode.VoiceSessionInvalid, "no such session")
	case m == nil:
		c.fail(now, closecode.VoiceAuthenticationFailed, "unknown token")
	case m.server() != shown.server:
		c.fail(now, closecode.VoiceServerNotFound, "token for another server")
	case m.SessionID != shown.session:
		c.fail(now, closecode.VoiceSessionInvalid, "token for another session")
	case keyed != nil && shown.user != 0 && !common && keyed.verify(now, shown.token, m) != nil:
		c.fail(now, closecode.VoiceSessionInvalid, "token has expired")
	default:
		if _, ok := m.messages.Take(now); ok {
			return m
		}
		c.fail(now, closecode.VoiceRateLimited, "too many messages in 60 seconds, over all connections")
	}
	return nil
}

// memberShowing returns the member of a channel that a token for all of them means.
func (v *Server) memberShowing(pass channelKey, shown credentials) *member {
	r := v.rooms[pass]
	if r == nil {
		return nil
	}
	for _, m := range r.members {
		if m.SessionID == shown.session && (shown.user == 0 || shown.user == m.User) {
			return m
		}
	}
	return nil
}

// reissued returns the member that a token was made for before its present one:
// by a server with the same key, or by this one some time ago.
func (v *Server) reissued(now time.Time, shown credentials) *member {
	for _, backend := range append([]string{""}, v.backends...) {
		m := v.members[memberKey{backend, shown.server, shown.user}]
		if m != nil && v.cfg.tokens.verify(now, shown.token, m) == nil {
			return m
		}
	}
	return nil
}
