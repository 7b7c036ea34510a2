package lifecycle

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/snowflake"
)

// VoiceCheckpointVersion is the version of the form of a [VoiceCheckpoint] that
// this package writes, and the only one that it reads.
const VoiceCheckpointVersion = 1

// VoiceCheckpointLimit is the size in bytes of the largest JSON of a
// [VoiceCheckpoint] that [ReadVoiceCheckpoint] takes.
const VoiceCheckpointLimit = 16 << 10

const (
	maxCheckpointText  = 4 << 10         // bytes of a token, an endpoint or an id
	maxCheckpointModes = 64              // encryption modes
	maxCheckpointAhead = 5 * time.Minute // that another clock may be ahead
)

// A VoiceCheckpoint is a voice session as plain data, with which another
// process goes on, see [WithVoiceCheckpoint].
//
// Its JSON is complete, and holds the token and the key of the session: store
// it like a password. No other form of it shows them.
type VoiceCheckpoint struct {
	Version int                  `json:"version"` // see [VoiceCheckpointVersion]
	At      time.Time            `json:"at"`      // when it was made
	Guild   snowflake.ID         `json:"guild"`
	Channel snowflake.ID         `json:"channel"`
	User    snowflake.ID         `json:"user"`
	Mute    bool                 `json:"mute,omitempty"`
	Deaf    bool                 `json:"deaf,omitempty"`
	Session gateway.VoiceSession `json:"session,omitzero"` // without token: there is none
}

// Checkpoint returns what another process goes on with. Session is what the
// state of the open connection has, zero if there is no connection; then it is
// what the next one would have. It reports false before Join and after the end.
func (v *Voice) Checkpoint(now time.Time, session gateway.VoiceSession) (VoiceCheckpoint, bool) {
	if v.phase == VoiceNew || v.phase == VoiceEnded {
		return VoiceCheckpoint{}, false
	}
	if session.Token == "" {
		session = *v.session()
	}
	return VoiceCheckpoint{
		Version: VoiceCheckpointVersion, At: now.UTC(), Guild: v.guild, Channel: v.channel, User: v.user,
		Mute: v.mute, Deaf: v.deaf, Session: session,
	}, true
}

// WithVoiceCheckpoint goes on with a session of another process: the first
// connection is one to its voice server, without asking the main gateway. If
// the server does not know the session any more, the main gateway is asked. The
// error is that of [VoiceCheckpoint.Check], or that it is about another guild
// or user. The channel is that of the checkpoint.
func WithVoiceCheckpoint(now time.Time, c VoiceCheckpoint) VoiceOption {
	return func(v *Voice) error {
		if err := c.Check(now); err != nil {
			return err
		}
		if c.Guild != v.guild || c.User != v.user {
			return fmt.Errorf("checkpoint of user %d in guild %d", c.User, c.Guild)
		}
		v.channel, v.mute, v.deaf = c.Channel, c.Mute, c.Deaf
		if c.Session.Token == "" {
			return nil
		}
		*v.session(), v.knownTold = c.Session, true
		in := v.credentials()
		in.channel, in.sessionID, in.token, in.endpoint = c.Channel, c.Session.SessionID, c.Session.Token, c.Session.Endpoint
		in.take()
		return nil
	}
}

// ReadVoiceCheckpoint reads the JSON of a checkpoint and judges it, see
// [VoiceCheckpoint.Check].
func ReadVoiceCheckpoint(now time.Time, data []byte) (VoiceCheckpoint, error) {
	var c VoiceCheckpoint
	if len(data) > VoiceCheckpointLimit {
		return c, fmt.Errorf("lifecycle: voice checkpoint of %d bytes, at most %d", len(data), VoiceCheckpointLimit)
	}
	if err := json.Unmarshal(data, &c); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return VoiceCheckpoint{}, fmt.Errorf("lifecycle: voice checkpoint: malformed at byte %d", syntax.Offset)
		}
		return VoiceCheckpoint{}, errors.New("lifecycle: voice checkpoint: a field has the wrong type") // without its value
	}
	if err := c.Check(now); err != nil {
		return VoiceCheckpoint{}, fmt.Errorf("lifecycle: %w", err)
	}
	return c, nil
}

// Check judges a checkpoint: its version, its time, which must not be more than
// five minutes in the future, and its lengths.
func (c *VoiceCheckpoint) Check(now time.Time) error {
	s := &c.Session
	switch {
	case c.Version != VoiceCheckpointVersion:
		return fmt.Errorf("voice checkpoint of version %d, this is version %d", c.Version, VoiceCheckpointVersion)
	case c.At.IsZero() || c.At.After(now.Add(maxCheckpointAhead)):
		return fmt.Errorf("voice checkpoint of %v, which is not in the past", c.At)
	case c.Guild == 0 || c.Channel == 0 || c.User == 0:
		return errors.New("voice checkpoint without guild, channel or user")
	case s.Token == "" && (s.Resumable || s.SessionID != ""):
		return errors.New("voice checkpoint with a session without token")
	case s.Token == "":
		return nil
	case s.SessionID == "" || s.ServerID != c.Guild || s.UserID != c.User:
		return errors.New("voice checkpoint with a session of another membership")
	case s.SeqAck < -1 || s.SeqAck > 1<<16-1:
		return fmt.Errorf("voice checkpoint with sequence number %d", s.SeqAck)
	}
	texts := append([]string{s.SessionID, s.Token, s.Endpoint, s.Ready.IP, s.Description.Mode}, s.Ready.Modes...)
	if len(s.Ready.Modes) > maxCheckpointModes {
		return fmt.Errorf("voice checkpoint with %d modes", len(s.Ready.Modes))
	}
	for _, text := range texts {
		if len(text) > maxCheckpointText {
			return fmt.Errorf("voice checkpoint with a text of %d bytes", len(text))
		}
	}
	if _, err := gateway.VoiceURL(s.Endpoint); err != nil {
		return fmt.Errorf("voice checkpoint: %w", err)
	}
	return nil
}

// Format implements [fmt.Formatter] without token and key.
func (c VoiceCheckpoint) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "voice checkpoint of user %d in channel %d of guild %d", c.User, c.Channel, c.Guild)
}

// LogValue implements [slog.LogValuer] without token and key.
func (c VoiceCheckpoint) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(c)) }
