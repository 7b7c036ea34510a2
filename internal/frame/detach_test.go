package frame

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/gobwas/ws"
	"github.com/stretchr/testify/require"
)

// TestDetach keeps every message without copying it, over what comes later.
func TestDetach(t *testing.T) {
	large := strings.Repeat("x", 100_000)
	stream := join(
		serverFrame(true, ws.OpText, "one"),
		serverFrame(false, ws.OpText, "fr"),
		serverFrame(true, ws.OpPing, "between"),
		serverFrame(true, ws.OpContinuation, "agments"),
		serverFrame(true, ws.OpBinary, large),
		serverFrame(false, ws.OpBinary, large),
		serverFrame(true, ws.OpPing, "again"),
		serverFrame(true, ws.OpContinuation, large),
		serverFrame(true, ws.OpText, ""),
		serverFrame(true, ws.OpText, "last"),
	)
	want := []string{"one", "between", "fragments", large, "again", large + large, "", "last"}
	for name, src := range map[string]io.Reader{
		"at once":      bytes.NewReader(stream),
		"byte by byte": iotest.OneByteReader(bytes.NewReader(stream)),
		"halves":       iotest.HalfReader(bytes.NewReader(stream)),
	} {
		t.Run(name, func(t *testing.T) {
			r := NewReader(src, ws.StateClientSide, 1<<20, nil)
			var kept [][]byte
			for {
				_, payload, err := r.Next()
				if err == io.EOF {
					break
				}
				require.NoError(t, err)
				kept = append(kept, payload)
				r.Detach()
			}
			r.Close()
			r.Detach()
			require.Len(t, kept, len(want))
			for i, payload := range kept {
				require.Equal(t, want[i], string(payload))
			}
		})
	}
}
