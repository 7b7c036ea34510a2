package etf

import (
	"encoding/json"
	"fmt"
	"math"
)

// Marshal returns v as a message, the version byte included. It goes through
// [encoding/json]: struct tags and Marshaler methods are those of JSON.
func Marshal(v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("etf: marshal: %w", err)
	}
	return Codec{}.AppendWire(nil, text)
}

// Unmarshal stores a message, or a bare term such as the data of
// [Codec.Split], in the value that v points to. It goes through [encoding/json]:
// struct tags and Unmarshaler methods are those of JSON.
func Unmarshal(data []byte, v any) error {
	text, err := Codec{}.AppendJSON(nil, data, math.MaxInt)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("etf: unmarshal: %w", err)
	}
	return nil
}
