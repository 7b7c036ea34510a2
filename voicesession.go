package gateway

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/snowflake"
)

// VoiceVersion is the version of the voice gateway that this package speaks.
//
// https://discord.com/developers/docs/topics/voice-connections#voice-gateway-versioning-gateway-versions
const VoiceVersion = 8

// A VoiceSession is one membership in a voice channel, as plain data.
//
// The first five fields are what the main gateway told, and all that a new
// session has: SessionID of VOICE_STATE_UPDATE, Token and Endpoint of
// VOICE_SERVER_UPDATE. Both events must be about the same join; after a move
// none of the old values is of use. The other fields are what the voice server
// told since, see [VoiceGatewayState.Session].
//
// Its JSON is complete, for a process that takes over, and holds the token and
// the key: store it like a password. No other form of it shows them.
type VoiceSession struct {
	ServerID  snowflake.ID `json:"server_id"` // the guild, or the channel of a direct message
	UserID    snowflake.ID `json:"user_id"`
	SessionID string       `json:"session_id"`
	Token     string       `json:"token"`
	Endpoint  string       `json:"endpoint,omitempty"` // see [VoiceURL]

	// Resumable says that the voice server knows the session: the next
	// connection resumes. Without it the fields below mean nothing.
	Resumable   bool                    `json:"resumable,omitempty"`
	SeqAck      int                     `json:"seq_ack"` // the last number received, -1 for none
	Ready       VoiceReady              `json:"ready,omitzero"`
	Description VoiceSessionDescription `json:"description,omitzero"` // without mode before there is one
}

// Format implements [fmt.Formatter] without token and key.
func (v VoiceSession) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "voice session %q of user %d on server %d", v.SessionID, v.UserID, v.ServerID)
}

// LogValue implements [slog.LogValuer] without token and key.
func (v VoiceSession) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(v)) }

// check judges a session that a state is made for.
func (v *VoiceSession) check() error {
	switch {
	case v.ServerID == 0 || v.UserID == 0:
		return errors.New("gateway: voice session without server or user id")
	case v.SessionID == "":
		return errors.New("gateway: voice session without session id")
	case v.Token == "":
		return errors.New("gateway: voice session without token")
	case v.Resumable && (v.SeqAck < -1 || v.SeqAck > maxVoiceSeq):
		return fmt.Errorf("gateway: voice sequence number %d is not between -1 and %d", v.SeqAck, maxVoiceSeq)
	case v.Endpoint == "":
		return nil
	}
	_, err := VoiceURL(v.Endpoint)
	return err
}

// Session returns what the next state, in this process or another one, goes on
// with: it resumes, or identifies if this one has not got as far as Ready. It
// reports false after the session ended; then the main gateway must be asked
// for another one.
func (s *VoiceGatewayState) Session() (VoiceSession, bool) {
	if s.session().Token == "" {
		return VoiceSession{}, false
	}
	v := *s.session()
	v.SeqAck = int(s.seq)
	v.Ready.Modes = slices.Clone(v.Ready.Modes)
	return v, true
}

// Ready returns where audio goes. It reports false until the voice server has
// told. The caller must not change the modes.
func (s *VoiceGatewayState) Ready() (VoiceReady, bool) {
	return s.session().Ready, s.session().Resumable
}

// Description returns how audio is encrypted. It reports false until the voice
// server has told.
func (s *VoiceGatewayState) Description() (VoiceSessionDescription, bool) {
	return s.session().Description, s.session().Description.Mode != ""
}

// DialURL returns the URL to connect to, empty if the session has no endpoint.
func (s *VoiceGatewayState) DialURL() string {
	dialURL, _ := VoiceURL(s.session().Endpoint)
	return dialURL
}

// WriteNormalClose ends the connection with 1000, and the session with it.
func (s *VoiceGatewayState) WriteNormalClose(client io.Writer) error {
	s.dropSession()
	return s.writeClose(client, closecode.Normal)
}

// InvalidateSession forgets the session and closes the connection with 1000.
func (s *VoiceGatewayState) InvalidateSession(closeWriter io.Writer) {
	_ = s.WriteNormalClose(closeWriter)
}

func (s *VoiceGatewayState) dropSession() {
	s.session().forget()
	s.session().Token = ""
}

// forget drops what the voice server told.
func (v *VoiceSession) forget() {
	v.Resumable, v.SeqAck, v.Ready, v.Description = false, -1, VoiceReady{}, VoiceSessionDescription{}
}

// VoiceURL returns the URL of a voice server: that of an endpoint as
// VOICE_SERVER_UPDATE has it, a host with a port, or of a ws or wss URL. The
// port is kept, the version is [VoiceVersion]. For anything else the error is
// [ErrVoiceEndpoint].
//
// https://discord.com/developers/docs/topics/voice-connections#establishing-a-voice-websocket-connection
func VoiceURL(endpoint string) (string, error) {
	raw := endpoint
	if !strings.Contains(raw, "://") {
		raw = "wss://" + raw
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return "", fmt.Errorf("%w: %w", ErrVoiceEndpoint, err)
	case u.Scheme != "ws" && u.Scheme != "wss", u.Hostname() == "", u.User != nil:
		return "", fmt.Errorf("%w: %q", ErrVoiceEndpoint, endpoint)
	}
	q := u.Query()
	q.Set("v", strconv.Itoa(VoiceVersion))
	u.RawQuery, u.Fragment = q.Encode(), ""
	if u.Path == "" {
		u.Path = "/"
	}
	return u.String(), nil
}
