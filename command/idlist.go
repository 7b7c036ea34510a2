package command

import (
	"errors"
	"strings"

	"github.com/discordpkg/gateway/snowflake"
)

var errManyIDs = errors.New("command: more than one id where there can be only one")

// idList is a list of ids that may be written as a single id in JSON.
type idList []snowflake.ID

func (l *idList) UnmarshalJSON(b []byte) error {
	if strings.HasPrefix(string(b), "[") {
		return unmarshal(b, (*[]snowflake.ID)(l))
	}
	var one snowflake.ID
	if err := one.UnmarshalJSON(b); err != nil {
		return err
	}
	*l = nil
	if one != 0 {
		*l = idList{one}
	}
	return nil
}

// loneID is an id that may be written as a list of one in JSON.
type loneID snowflake.ID

func (id loneID) MarshalJSON() ([]byte, error) { return snowflake.ID(id).MarshalJSON() }

func (id *loneID) UnmarshalJSON(b []byte) error {
	var list idList
	if err := list.UnmarshalJSON(b); err != nil {
		return err
	}
	if len(list) > 1 {
		return errManyIDs
	}
	*id = 0
	if len(list) == 1 {
		*id = loneID(list[0])
	}
	return nil
}
