package command

import (
	"errors"
	"strconv"
	"strings"
)

// Snowflake is an id of Discord. In JSON it is a decimal string; zero is no id,
// and null. Unmarshalling accepts numbers as well, which ETF turns ids into.
//
// https://discord.com/developers/docs/reference#snowflakes
type Snowflake uint64

// ErrSnowflake is text that is not an id.
var ErrSnowflake = errors.New("command: not a snowflake: a decimal number from 1 to 2^64-1")

// ParseSnowflake returns the id that s spells in decimal, or [ErrSnowflake]. Zero
// and leading zeros are not accepted.
func ParseSnowflake(s string) (Snowflake, error) {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || n == 0 || s[0] == '0' {
		return 0, ErrSnowflake
	}
	return Snowflake(n), nil
}

var errManyIDs = errors.New("command: more than one id where there can be only one")

// String returns the id in decimal.
func (s Snowflake) String() string { return strconv.FormatUint(uint64(s), 10) }

// MarshalJSON returns the id as a decimal string, or null for zero.
func (s Snowflake) MarshalJSON() ([]byte, error) {
	if s == 0 {
		return []byte("null"), nil
	}
	b := make([]byte, 0, 22)
	b = append(b, '"')
	b = strconv.AppendUint(b, uint64(s), 10)
	return append(b, '"'), nil
}

// UnmarshalJSON accepts a decimal string, an integer, and null for zero.
func (s *Snowflake) UnmarshalJSON(b []byte) error {
	text := string(b)
	if text == "null" {
		*s = 0
		return nil
	}
	if len(text) > 2 && text[0] == '"' && text[len(text)-1] == '"' {
		text = text[1 : len(text)-1]
	}
	id, err := ParseSnowflake(text)
	if err != nil {
		return err
	}
	*s = id
	return nil
}

// snowflakes is a list of ids that may be written as a single id in JSON.
type snowflakes []Snowflake

func (s *snowflakes) UnmarshalJSON(b []byte) error {
	if strings.HasPrefix(string(b), "[") {
		return unmarshal(b, (*[]Snowflake)(s))
	}
	var one Snowflake
	if err := one.UnmarshalJSON(b); err != nil {
		return err
	}
	*s = nil
	if one != 0 {
		*s = snowflakes{one}
	}
	return nil
}

// loneID is an id that may be written as a list of one in JSON.
type loneID Snowflake

func (s loneID) MarshalJSON() ([]byte, error) { return Snowflake(s).MarshalJSON() }

func (s *loneID) UnmarshalJSON(b []byte) error {
	var list snowflakes
	if err := list.UnmarshalJSON(b); err != nil {
		return err
	}
	if len(list) > 1 {
		return errManyIDs
	}
	*s = 0
	if len(list) == 1 {
		*s = loneID(list[0])
	}
	return nil
}
