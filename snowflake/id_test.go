package snowflake

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParse(t *testing.T) {
	id, err := Parse("18446744073709551615")
	require.NoError(t, err)
	require.Equal(t, ID(math.MaxUint64), id)
	require.Equal(t, "18446744073709551615", id.String())
	for _, s := range []string{"", "0", "007", "-1", "+1", "1_0", "18446744073709551616", "abc", "1.5", `"1"`} {
		_, err := Parse(s)
		require.ErrorIs(t, err, ErrInvalid, s)
	}
}

func TestJSON(t *testing.T) {
	for text, want := range map[string]ID{
		`"41771983444115456"`: 41771983444115456, `41771983444115456`: 41771983444115456, `null`: 0,
	} {
		got := ID(1)
		require.NoError(t, json.Unmarshal([]byte(text), &got))
		require.Equal(t, want, got)
	}
	for _, text := range []string{`"x"`, `""`, `-1`, `1.5`, `"0"`, `{}`, `true`, `18446744073709551616`} {
		got := ID(1)
		require.ErrorIs(t, json.Unmarshal([]byte(text), &got), ErrInvalid, text)
		require.Equal(t, ID(1), got, "an error changes nothing")
	}
	data, err := json.Marshal([]ID{0, 1})
	require.NoError(t, err)
	require.Equal(t, `[null,"1"]`, string(data))
}

// The documentation's own example.
//
// https://discord.com/developers/docs/reference#convert-snowflake-to-datetime
func TestTime(t *testing.T) {
	id := ID(175928847299117063)
	require.Equal(t, int64(1462015105796), id.Time().UnixMilli())
	require.LessOrEqual(t, At(id.Time()), id)
	require.Greater(t, At(id.Time().Add(time.Millisecond)), id)
	require.Equal(t, ID(0), At(time.Unix(0, 0)))
}
