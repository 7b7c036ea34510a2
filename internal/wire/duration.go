package wire

import (
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"time"
)

// A Number is a JSON number of foreign origin, with a fraction or without. A
// string that holds one is read, too. NaN and the infinities are not.
type Number float64

var errNumber = errors.New("not a number")

// UnmarshalJSON implements [json.Unmarshaler]. Null leaves n unchanged.
func (n *Number) UnmarshalJSON(b []byte) error {
	text := string(b)
	if text == "null" {
		return nil
	}
	if len(b) > 0 && b[0] == '"' {
		if err := json.Unmarshal(b, &text); err != nil {
			return err
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return errNumber
	}
	*n = Number(f)
	return nil
}

// Duration returns n units. It reports false if that is negative, longer than
// longest, or not a number. What comes from a peer must not become a time that
// is negative because it was too long for a Duration.
func (n Number) Duration(unit, longest time.Duration) (time.Duration, bool) {
	f := float64(n) * float64(unit)
	if !(f >= 0 && f <= float64(longest)) {
		return 0, false
	}
	if f == float64(longest) { // which may be above the greatest Duration
		return longest, true
	}
	return time.Duration(f), true
}
