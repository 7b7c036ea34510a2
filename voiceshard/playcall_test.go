package voiceshard_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/voiceshard"
	"github.com/discordpkg/gateway/voiceshard/audio"
)

// packets returns all packets of a file but those of silence, and its length.
func packets(t *testing.T, name string) (all [][]byte, length time.Duration) {
	t.Helper()
	f, err := audio.Open(name)
	require.NoError(t, err)
	defer f.Close()
	for {
		p, err := f.ReadFrame()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		if !bytes.HasSuffix(p, []byte("\xff\xfe")) {
			all = append(all, bytes.Clone(p))
		}
	}
	length, ok := f.Length()
	require.True(t, ok)
	return all, length
}

// A file that one bot plays is what the other one records, byte for byte and
// over sockets, whatever the length of its packets.
func TestPlayAndRecord(t *testing.T) {
	ctx, _, a, b := call(t)
	heard(ctx, t, a, b)
	for _, name := range []string{"2500us.opus", "60ms.opus"} {
		name = filepath.Join("audio", "testdata", name)
		want, length := packets(t, name)
		dir := t.TempDir()
		recorder := voiceshard.NewRecorder(voiceshard.RecordDir(dir))
		recording, stop := context.WithCancel(ctx)
		done := make(chan error, 1)
		go func() { done <- recorder.Record(recording, b.session) }()

		source, err := audio.Open(name)
		require.NoError(t, err)
		p, err := a.session.Play(ctx, source, voiceshard.WithClose())
		require.NoError(t, err)
		require.NoError(t, p.Wait(ctx))
		require.InDelta(t, length.Seconds(), p.Position().Seconds(), 0.06)
		require.Equal(t, uint64(len(want)), p.Stats().Frames)
		require.Eventually(t, func() bool { return b.session.Stats().Received.Packets >= a.session.Stats().PacketsSent }, 10*time.Second, time.Millisecond)
		stop()
		require.ErrorIs(t, <-done, context.Canceled)
		require.NoError(t, recorder.Close())

		got, recorded := packets(t, filepath.Join(dir, a.user.String()+".opus"))
		first := slices.IndexFunc(got, func(p []byte) bool { return bytes.Equal(p, want[0]) }) // heard left some words
		require.GreaterOrEqual(t, first, 0)
		require.Equal(t, want, got[first:])
		require.GreaterOrEqual(t, recorded, length)
		_, err = os.Stat(filepath.Join(dir, b.user.String()+".opus"))
		require.ErrorIs(t, err, os.ErrNotExist, "nobody hears himself")
	}
}
