package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/discordpkg/gateway/snowflake"
)

// Status is what others see beside the name of a user.
//
// https://discord.com/developers/docs/events/gateway-events#update-presence-status-types
type Status string

const (
	StatusOnline       Status = "online"
	StatusDoNotDisturb Status = "dnd"
	StatusIdle         Status = "idle"
	StatusInvisible    Status = "invisible" // shown as offline
	StatusOffline      Status = "offline"
)

// A Presence is the status and the activities that a bot shows. The zero value is
// online without activities. It is also a part of identify.
//
// https://discord.com/developers/docs/events/gateway-events#update-presence
type Presence struct {
	Since      UnixMilli  `json:"since"` // when the client went idle, zero if it is not
	Activities []Activity `json:"activities"`
	Status     Status     `json:"status"` // empty means online
	AFK        bool       `json:"afk"`
}

// Command returns [UpdatePresence].
func (Presence) Command() Type { return UpdatePresence }

// MarshalJSON writes an empty list for no activities and online for no status,
// for Discord wants both fields.
func (p Presence) MarshalJSON() ([]byte, error) {
	type plain Presence
	if p.Activities == nil {
		p.Activities = []Activity{}
	}
	if p.Status == "" {
		p.Status = StatusOnline
	}
	return json.Marshal(plain(p))
}

// Validate returns an [*InvalidError] for an unknown status or an activity that
// Discord would not show.
func (p Presence) Validate() error {
	switch p.Status {
	case "", StatusOnline, StatusDoNotDisturb, StatusIdle, StatusInvisible, StatusOffline:
	default:
		return invalidPresence("status", "is none of online, dnd, idle, invisible and offline")
	}
	if p.Since < 0 {
		return invalidPresence("since", "is before 1970")
	}
	for i, a := range p.Activities {
		if field, reason := a.fault(); field != "" {
			return invalidPresence(fmt.Sprintf("activities[%d].%s", i, field), reason)
		}
	}
	return nil
}

func invalidPresence(field, reason string) error {
	return &InvalidError{Command: UpdatePresence, Field: field, Reason: reason}
}

// UnixMilli is a time in milliseconds since 1970. Zero is no time, and null in
// JSON. Unmarshalling accepts numbers with a fraction, which some clients send.
type UnixMilli int64

// UnixMilliOf returns t without what is smaller than a millisecond, and zero for
// the zero time.
func UnixMilliOf(t time.Time) UnixMilli {
	if t.IsZero() {
		return 0
	}
	return UnixMilli(t.UnixMilli())
}

// Time returns the time in UTC, the zero time for zero.
func (m UnixMilli) Time() time.Time {
	if m == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(m)).UTC()
}

// MarshalJSON returns a number, or null for zero.
func (m UnixMilli) MarshalJSON() ([]byte, error) {
	if m == 0 {
		return []byte("null"), nil
	}
	return strconv.AppendInt(nil, int64(m), 10), nil
}

var errUnixMilli = errors.New("command: not a time in milliseconds")

// UnmarshalJSON accepts a number, of which the fraction is cut off, and null for
// zero.
func (m *UnixMilli) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*m = 0
		return nil
	}
	if n, err := strconv.ParseInt(string(b), 10, 64); err == nil {
		*m = UnixMilli(n)
		return nil
	}
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil || !(math.Abs(f) < 1<<53) { // NaN included
		return errUnixMilli
	}
	*m = UnixMilli(f)
	return nil
}

// ActivityType is the kind of an [Activity].
//
// https://discord.com/developers/docs/events/gateway-events#activity-object-activity-types
type ActivityType uint8

const (
	Playing   ActivityType = 0
	Streaming ActivityType = 1 // needs an URL
	Listening ActivityType = 2
	Watching  ActivityType = 3
	Custom    ActivityType = 4 // shows State and Emoji instead of Name
	Competing ActivityType = 5
)

// An Activity is what a user does. Of the fields that Discord documents, these are
// the ones that bots can set and Emoji, which Discord shows for users only.
//
// https://discord.com/developers/docs/events/gateway-events#activity-object
type Activity struct {
	Name  string       `json:"name"` // required, also where it is not shown
	Type  ActivityType `json:"type"`
	URL   string       `json:"url,omitempty"`   // of the stream, for Streaming only
	State string       `json:"state,omitempty"` // a second line, or the text of a Custom status
	Emoji *Emoji       `json:"emoji,omitempty"` // of a Custom status
}

// An Emoji is a Unicode emoji, which has a name only, or one of a guild.
//
// https://discord.com/developers/docs/events/gateway-events#activity-object-activity-emoji
type Emoji struct {
	Name     string       `json:"name"`
	ID       snowflake.ID `json:"id,omitzero"`
	Animated bool         `json:"animated,omitempty"`
}

// fault returns the field that Discord would refuse or ignore, and why.
func (a Activity) fault() (field, reason string) {
	switch {
	case a.Name == "":
		return "name", "is missing"
	case a.Type > Competing:
		return "type", "is not documented"
	case a.Type == Streaming && !streamable(a.URL):
		return "url", "must start with https://twitch.tv/ or https://youtube.com/ to stream"
	case a.Type != Streaming && a.URL != "":
		return "url", "is for streaming only"
	case a.Type == Custom && a.State == "" && a.Emoji == nil:
		return "state", "is missing: a custom status shows state and emoji"
	case a.Type != Custom && a.Emoji != nil:
		return "emoji", "is for a custom status only"
	case a.Emoji != nil && a.Emoji.Name == "":
		return "emoji.name", "is missing"
	}
	return "", ""
}

// streamable reports whether Discord takes url for a stream. It documents the two
// bare hosts and accepts them with www as well.
func streamable(url string) bool {
	rest, ok := strings.CutPrefix(url, "https://")
	rest = strings.TrimPrefix(rest, "www.")
	return ok && (strings.HasPrefix(rest, "twitch.tv/") || strings.HasPrefix(rest, "youtube.com/"))
}
