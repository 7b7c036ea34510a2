package discord

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/discordpkg/gateway/snowflake"
)

// JSON is a value of any kind, as it came: the text of it. The empty JSON is a
// key that is missing, and null when it is encoded.
type JSON string

// MarshalJSON returns the text.
func (j JSON) MarshalJSON() ([]byte, error) {
	if j == "" {
		return []byte("null"), nil
	}
	return []byte(j), nil
}

// UnmarshalJSON keeps a copy of data.
func (j *JSON) UnmarshalJSON(data []byte) error {
	*j = JSON(data)
	return nil
}

// Any returns what the JSON is: a string, an int64, a float64 where that is what
// the number needs, a bool, nil, or for objects and lists the JSON itself.
//
//	switch v := option.Value.Any().(type) {
//	case string:
func (j JSON) Any() any {
	d := decoder{s: string(j), mem: &none}
	switch d.peek() {
	case '"':
		if s := d.text(); d.err == nil {
			return s
		}
	case 't', 'f':
		var b bool
		if d.bool(&b); d.err == nil {
			return b
		}
	case 'n', 0:
		return nil
	case '{', '[':
		return j
	default:
		if n, err := strconv.ParseInt(string(j), 10, 64); err == nil {
			return n
		}
		if f, err := strconv.ParseFloat(string(j), 64); err == nil {
			return f
		}
	}
	return j
}

// String returns the text of a string, or else the JSON.
func (j JSON) String() string {
	if strings.HasPrefix(string(j), `"`) {
		if s, ok := j.Any().(string); ok {
			return s
		}
	}
	return string(j)
}

// A Timestamp is a time as Discord writes it, ISO 8601 with an offset. Most are
// never looked at, so they are parsed by who does. The empty Timestamp is null.
//
// https://discord.com/developers/docs/reference#iso8601-datetime
type Timestamp string

// TimestampOf returns the Timestamp of a moment, zero for the zero time.
func TimestampOf(t time.Time) Timestamp {
	if t.IsZero() {
		return ""
	}
	return Timestamp(t.Format("2006-01-02T15:04:05.000000-07:00"))
}

// Time returns the moment, or an error for text that is no time. The empty
// Timestamp is the zero time.
func (t Timestamp) Time() (time.Time, error) {
	if t == "" {
		return time.Time{}, nil
	}
	return time.Parse(time.RFC3339Nano, string(t))
}

// MarshalJSON returns a string, or null for the empty Timestamp.
func (t Timestamp) MarshalJSON() ([]byte, error) {
	if t == "" {
		return []byte("null"), nil
	}
	return json.Marshal(string(t))
}

// An OwnerID is a snowflake, or zero where Discord says "0" for an owner who is a
// guild.
//
// https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-object-authorizing-integration-owners-object
type OwnerID snowflake.ID

// MarshalJSON returns a decimal string.
func (o OwnerID) MarshalJSON() ([]byte, error) { return quoted(uint64(o)), nil }

// UnmarshalJSON takes a decimal string or an integer, zero too.
func (o *OwnerID) UnmarshalJSON(data []byte) error { return unquoted((*uint64)(o), data, "owner") }
