package relay

import (
	"fmt"
	"io"
	"log/slog"
	"net/netip"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/snowflake"
)

// A Route is what a [Relay] has to know of one client. The signaling half
// says so whenever it changes. Its string forms do not show the key.
type Route struct {
	Port    int    // of the relay, an index into the ports of the server
	SSRC    uint32 // by which the client is known
	Backend string // whose channel it is
	Channel snowflake.ID
	User    snowflake.ID

	Mode  string // empty before a protocol is selected: only IP discovery is answered
	Key   gateway.VoiceKey
	Named netip.AddrPort // where the client says that its audio comes from

	E2EE      bool // it offers end-to-end encryption
	Announced bool // it said how it speaks
	Muted     bool // nothing of it is forwarded
	Deaf      bool // nothing is forwarded to it
	Bitrate   int  // in bits per second that it may send, zero for any
	Gone      bool // forget it; nothing else counts
}

// Format implements [fmt.Formatter] without the key.
func (r Route) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, fmt.Sprintf("voice route of SSRC %d in channel %d, gone %t", r.SSRC, r.Channel, r.Gone))
}

// LogValue implements [slog.LogValuer] without the key.
func (r Route) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(r)) }

// A channelKey is a channel of a backend.
type channelKey struct {
	backend string
	channel snowflake.ID
}

// A ReportKind is what a relay notices and the signaling half must act
// upon.
type ReportKind uint8

// The kinds of reports.
const (
	ReportUnannounced ReportKind = iota + 1 // the client sends audio without having said how it speaks
	ReportWornOut                           // no nonces are left to send to the client
)

// A Report tells of a client, see [Relay.Reports].
type Report struct {
	SSRC uint32
	Kind ReportKind
}
