package voiceshard

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestJoinSpeakLeave(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s := d.join()
		require.Equal(t, Connected, s.Phase())
		n, err := s.Write(opus(1))
		require.NoError(t, err)
		require.Equal(t, 2, n)
		require.NoError(t, s.StopSpeaking(t.Context()))
		heard, headers := d.server(theHost).audio()
		require.Len(t, heard, 6)
		require.Equal(t, opus(1), heard[0])
		require.Equal(t, silenceFrame, heard[5])
		require.Equal(t, headers[0].Timestamp+5*960, headers[5].Timestamp)
		require.NoError(t, s.Leave(t.Context()))
		require.ErrorIs(t, s.Err(), ErrLeft)
	})
}
