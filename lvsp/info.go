package lvsp

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
)

// Flags are what a voice state says about hearing and being heard.
type Flags uint8

const (
	Deaf     Flags = 1 << iota // by a moderator: hears nothing
	Mute                       // by a moderator: is not heard
	SelfDeaf                   // by oneself
	SelfMute                   // by oneself
	Suppress                   // in the audience of a stage: is not heard
	allFlags = 1<<iota - 1
)

// An Info is the content of an INFO message, or of a VST_REQUEST, in any
// dialect. Which fields matter follows from Type; a dialect drops what it has
// no field for.
type Info struct {
	Type InfoType

	Guild   Snowflake // zero in a private call
	Channel Snowflake
	User    Snowflake

	SessionID   string
	Bitrate     int   // bits per second, zero if unknown
	Flags       Flags // of those in Given
	Given       Flags // the flags that are said, others stay as they are
	WithoutDAVE bool  // StateCreate: no end-to-end encryption here, as on stages

	Token    string // ChannelAssign and StateDone
	Endpoint string // ChannelAssign and StateDone: host and port
	Known    bool   // StateDone and InfoError: what was asked for was there before

	// Request is the number of the request that a voice server answers, or that
	// made what ends: the first INFO or VST_REQUEST of a session is 1. Zero
	// except in the extended dialect.
	Request int64

	Refused InfoType  // InfoError: what was refused
	Code    ErrorCode // InfoError
	Message string    // InfoError
}

// Format implements [fmt.Formatter] without the token.
func (i Info) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "lvsp info %v of user %d in channel %d of guild %d, request %d", i.Type, i.User, i.Channel, i.Guild, i.Request)
}

// LogValue implements [slog.LogValuer] without the token.
func (i Info) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(i)) }

const (
	maxText    = 128 // bytes of a session id
	maxBitrate = 1 << 30
)

// infoBody has the fields of all dialects.
type infoBody struct {
	ID        id         `json:"id,omitzero"` // of a channel, in the seed dialect
	GuildID   id         `json:"guild_id,omitzero"`
	ChannelID nullableID `json:"channel_id,omitzero"`
	UserID    id         `json:"user_id,omitzero"`
	SessionID string     `json:"session_id,omitempty"`
	Bitrate   *int32     `json:"bitrate,omitempty"`
	Deaf      *bool      `json:"deaf,omitempty"`
	Mute      *bool      `json:"mute,omitempty"`
	SelfDeaf  *bool      `json:"self_deaf,omitempty"`
	SelfMute  *bool      `json:"self_mute,omitempty"`
	Suppress  *bool      `json:"suppress,omitempty"`
	DAVE      *bool      `json:"dave,omitempty"`
	Token     string     `json:"token,omitempty"`
	Endpoint  string     `json:"endpoint,omitempty"`
	Known     bool       `json:"known,omitempty"`
	Request   int64      `json:"re,omitempty"`
	Ref       *int       `json:"ref,omitempty"`
	Code      ErrorCode  `json:"code,omitempty"`
	Message   string     `json:"message,omitempty"`
}

// flags returns the fields of the flags, in the order of their bits.
func (b *infoBody) flags() [5]**bool {
	return [5]**bool{&b.Deaf, &b.Mute, &b.SelfDeaf, &b.SelfMute, &b.Suppress}
}

// rawInfo is an INFO whose dialect may not be known yet.
type rawInfo struct {
	number int
	seed   bool // the key was "info"
	body   infoBody
}

var (
	errNoType    = errors.New("no type")
	errNoBody    = errors.New("no object as data")
	errLongText  = fmt.Errorf("session id of more than %d bytes", maxText)
	errBitrate   = errors.New("bitrate out of range")
	errWho       = errors.New("neither a session id nor user and channel")
	errNoChannel = errors.New("no channel id")
	errNoUser    = errors.New("no user id")
)

// ParseInfo reads an INFO or a VST_REQUEST that a backend, or else a voice
// server, sent in the dialect. Errors match [ErrMalformed]. The type is zero if
// the dialect does not have it, or the other side's to send. Which fields are
// there is not checked, sizes are.
func ParseInfo(msg []byte, d Dialect, backend bool) (Info, error) {
	m, err := parseMessage(msg)
	if err != nil {
		return Info{}, err
	}
	var raw rawInfo
	switch m.op {
	case OpInfo:
		raw, err = parseInfo(m)
	case OpVSTRequest:
		in, err := parseVSTRequest(m)
		if !backend {
			in.Type = 0
		}
		return in, err
	default:
		err = fmt.Errorf("%w: %v is no INFO", ErrMalformed, m.op)
	}
	if err != nil {
		return Info{}, err
	}
	return raw.info(d, backend), nil
}

// parseVSTRequest reads the seed dialect's way to create a voice state.
func parseVSTRequest(m message) (Info, error) {
	if err := m.object(); err != nil {
		return Info{}, err
	}
	var raw rawInfo
	if err := raw.body.read(m.data); err != nil {
		return Info{}, err
	}
	in := raw.info(ByEvidence, true)
	in.Type = StateCreate
	return in, nil
}

// parseInfo reads the data of an INFO.
func parseInfo(m message) (rawInfo, error) {
	var outer struct {
		Type *int            `json:"type"`
		Info json.RawMessage `json:"info"`
		Data json.RawMessage `json:"data"`
	}
	if err := m.decode(&outer); err != nil {
		return rawInfo{}, err
	}
	if outer.Type == nil {
		return rawInfo{}, fmt.Errorf("%w: %v: %w", ErrMalformed, m.op, errNoType)
	}
	raw := rawInfo{number: *outer.Type, seed: outer.Info != nil}
	body := outer.Data
	if raw.seed {
		body = outer.Info
	}
	if len(body) == 0 || body[0] != '{' {
		return rawInfo{}, fmt.Errorf("%w: %v: %w", ErrMalformed, m.op, errNoBody)
	}
	return raw, raw.body.read(body)
}

func (b *infoBody) read(data []byte) error {
	err := json.Unmarshal(data, b)
	switch {
	case err != nil:
	case len(b.SessionID) > maxText:
		err = errLongText
	case b.Bitrate != nil && (*b.Bitrate < 0 || *b.Bitrate > maxBitrate):
		err = errBitrate
	}
	if err != nil {
		return fmt.Errorf("%w: info: %w", ErrMalformed, err)
	}
	return nil
}

// info returns what the message means in a dialect when a backend, or else a
// voice server, sent it. The type is zero if it means nothing.
func (r *rawInfo) info(d Dialect, backend bool) Info {
	b := &r.body
	in := Info{
		Guild: Snowflake(b.GuildID), Channel: Snowflake(b.ChannelID.id), User: Snowflake(b.UserID), SessionID: b.SessionID,
		WithoutDAVE: b.DAVE != nil && !*b.DAVE,
	}
	if !backend { // requests have none of these, and wait in queues
		in.Token, in.Endpoint, in.Known, in.Request, in.Code, in.Message = b.Token, b.Endpoint, b.Known, b.Request, b.Code, b.Message
	}
	if b.Bitrate != nil {
		in.Bitrate = int(*b.Bitrate)
	}
	for i, f := range b.flags() {
		if *f != nil {
			in.Given |= 1 << i
			if **f {
				in.Flags |= 1 << i
			}
		}
	}
	if d == Seed {
		r.seedInfo(&in, backend)
		return in
	}
	in.Type, _ = d.infoType(r.number, backend)
	if b.Ref != nil {
		in.Refused, _ = d.infoType(*b.Ref, !backend)
	}
	return in
}

// seedInfo tells from the fields what the two types of the seed dialect mean.
func (r *rawInfo) seedInfo(in *Info, backend bool) {
	switch {
	case r.number == 0:
		if in.Channel == 0 {
			in.Channel = Snowflake(r.body.ID)
		}
		in.Type = ChannelAssign
		if backend {
			in.Type = ChannelRequest
		}
	case r.number != 1:
	case r.body.ChannelID.null: // as in Discord's voice states
		in.Type = StateDestroy
	case !backend:
		in.Type = StateDone
	case in.SessionID == "":
		in.Type = StateCreate
	default:
		in.Type = StateUpdate
	}
}

// check reports which field a request lacks.
func (in *Info) check() error {
	switch in.Type {
	case ChannelRequest, ChannelUpdate, ChannelDestroy, ChannelAssign:
		if in.Channel == 0 {
			return errNoChannel
		}
	case StateCreate, StateDone:
		if in.Channel == 0 {
			return errNoChannel
		}
		if in.User == 0 {
			return errNoUser
		}
	case StateUpdate, StateDestroy:
		if in.SessionID == "" && (in.User == 0 || in.Guild == 0 && in.Channel == 0) {
			return errWho
		}
	}
	return nil
}

// AppendInfo appends the message for in to dst: INFO, or VST_REQUEST for a
// StateCreate of the seed dialect. Without a sequence number if seq is
// negative. It reports false if the dialect has no such message.
func AppendInfo(dst []byte, d Dialect, seq int64, in Info) (_ []byte, ok bool) {
	body := in.body(d)
	if d == Seed && in.Type == StateCreate {
		return appendMessage(dst, OpVSTRequest, seq, encode(body)), true
	}
	n, ok := d.Number(in.Type)
	if !ok {
		return dst, false
	}
	if d == Seed {
		return appendMessage(dst, OpInfo, seq, encode(struct {
			Type int       `json:"type"`
			Info *infoBody `json:"info"`
		}{n, body})), true
	}
	return appendMessage(dst, OpInfo, seq, encode(struct {
		Type int       `json:"type"`
		Data *infoBody `json:"data"`
	}{n, body})), true
}

// body returns the fields that in has in the dialect.
func (in *Info) body(d Dialect) *infoBody {
	b := &infoBody{
		GuildID: id(in.Guild), ChannelID: nullableID{id: id(in.Channel)}, UserID: id(in.User), SessionID: in.SessionID,
		Token: in.Token, Endpoint: in.Endpoint,
	}
	if in.Bitrate > 0 {
		bitrate := int32(min(in.Bitrate, math.MaxInt32))
		b.Bitrate = &bitrate
	}
	for i, f := range b.flags() {
		if in.Given&(1<<i) != 0 {
			on := in.Flags&(1<<i) != 0
			*f = &on
		}
	}
	switch {
	case d == Extended:
		in.extend(b)
	case d == Seed && (in.Type == ChannelRequest || in.Type == ChannelUpdate || in.Type == ChannelAssign):
		b.ID, b.ChannelID = b.ChannelID.id, nullableID{}
	case d == Seed && in.Type == StateDestroy:
		b.ChannelID = nullableID{null: true}
	}
	return b
}

// extend adds what only the extended dialect has.
func (in *Info) extend(b *infoBody) {
	b.Known, b.Request, b.Code, b.Message = in.Known, in.Request, in.Code, in.Message
	if in.WithoutDAVE {
		b.DAVE = new(bool)
	}
	if n, ok := Extended.Number(in.Refused); ok {
		b.Ref = &n
	}
}
