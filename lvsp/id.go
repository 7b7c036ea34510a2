package lvsp

import (
	"errors"

	"github.com/discordpkg/gateway/snowflake"
)

// Snowflake is an id of a user, channel or guild; zero is none.
type Snowflake = snowflake.ID

// errNumericID tells why numbers are not ids: most parsers have rounded what
// is above 2^53, and then the id is another one's.
var errNumericID = errors.New("snowflake is a number, must be a string")

// An id is a snowflake on the wire: a string, or null for none.
type id Snowflake

func (i id) MarshalJSON() ([]byte, error) { return Snowflake(i).MarshalJSON() }

func (i *id) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && (b[0] == '-' || '0' <= b[0] && b[0] <= '9') {
		return errNumericID
	}
	return (*Snowflake)(i).UnmarshalJSON(b)
}

// A nullableID is an id that is absent, null, or there.
type nullableID struct {
	id   id
	null bool
}

func (n nullableID) IsZero() bool { return n == nullableID{} }

func (n nullableID) MarshalJSON() ([]byte, error) { return n.id.MarshalJSON() }

func (n *nullableID) UnmarshalJSON(b []byte) error {
	n.null = string(b) == "null"
	return n.id.UnmarshalJSON(b)
}
