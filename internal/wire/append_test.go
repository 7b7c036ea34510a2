package wire

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAppend(t *testing.T) {
	prefix := []byte("x")
	require.Equal(t, `x{"op":8,"d":{"a":1}}`, string(AppendMessage(prefix, 8, []byte(`{"a":1}`))))
	require.Equal(t, `x{"op":1,"d":null}`, string(AppendMessage(prefix, 1, nil)))
	require.Equal(t, `x{"t":null,"s":null,"op":11,"d":null}`, string(AppendControl(prefix, 11, nil)))
	require.Equal(t, `x{"t":"READY","s":1,"op":0,"d":{}}`, string(AppendDispatch(prefix, 1, "READY", []byte(`{}`))))
}

// TestAppendRoundTrip sends names through that need escapes.
func TestAppendRoundTrip(t *testing.T) {
	for _, name := range []string{"", "READY", "with space", `"`, `\`, "\n", "é", "\u2028<&>"} {
		b := AppendDispatch(nil, -5, name, []byte("[1]"))
		require.True(t, json.Valid(b), "%s", b)
		var e Envelope
		require.NoError(t, e.Unmarshal(b))
		require.Equal(t, name, string(e.Event))
		require.EqualValues(t, -5, e.Seq)
		require.Equal(t, "[1]", string(e.Data))
	}
}
