// Package snowflake has the ids of Discord: of users, guilds, channels,
// messages and everything else that is stored.
//
// https://discord.com/developers/docs/reference#snowflakes
package snowflake

import (
	"errors"
	"strconv"
	"time"
)

// An ID is one snowflake: 42 bits of time, 22 bits that make it unique. In JSON
// it is a decimal string; zero is no id, and null. Unmarshalling accepts numbers
// as well, which ETF turns ids into.
type ID uint64

// ErrInvalid is text that is not an id.
var ErrInvalid = errors.New("snowflake: not an id: want a decimal number from 1 to 2^64-1")

// Parse returns the id that s spells in decimal, or [ErrInvalid]. Zero and
// leading zeros are not accepted.
func Parse(s string) (ID, error) {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || n == 0 || s[0] == '0' {
		return 0, ErrInvalid
	}
	return ID(n), nil
}

// epoch is the first second of 2015, in milliseconds of Unix time.
const epoch = 1420070400000

// timeShift is how many low bits do not belong to the time.
const timeShift = 22

// At returns the least id of a moment, to compare others with or to page from:
// zero for moments before 2015.
func At(t time.Time) ID {
	ms := t.UnixMilli() - epoch
	if ms < 0 {
		return 0
	}
	return ID(ms) << timeShift
}

// Time returns when the id was made, in milliseconds.
func (id ID) Time() time.Time { return time.UnixMilli(int64(id>>timeShift) + epoch) }

// String returns the id in decimal.
func (id ID) String() string { return strconv.FormatUint(uint64(id), 10) }

// MarshalJSON returns the id as a decimal string, or null for zero.
func (id ID) MarshalJSON() ([]byte, error) {
	if id == 0 {
		return []byte("null"), nil
	}
	b := make([]byte, 0, 22)
	b = append(b, '"')
	b = strconv.AppendUint(b, uint64(id), 10)
	return append(b, '"'), nil
}

// UnmarshalJSON accepts a decimal string, an integer, and null for zero.
func (id *ID) UnmarshalJSON(b []byte) error {
	text := string(b)
	if text == "null" {
		*id = 0
		return nil
	}
	if len(text) > 2 && text[0] == '"' && text[len(text)-1] == '"' {
		text = text[1 : len(text)-1]
	}
	parsed, err := Parse(text)
	if err != nil {
		return err
	}
	*id = parsed
	return nil
}
