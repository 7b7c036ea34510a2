package flac

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/voiceshard/pcm"
	"github.com/discordpkg/gateway/voiceshard/pcm/internal/soundtest"
)

func open(r io.Reader) (pcm.Source, error) {
	s, err := NewReader(r)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func file(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return b
}

// TestFiles wants the sweep, sample by sample where nothing is resampled.
func TestFiles(t *testing.T) {
	for name, alike := range map[string]float64{"16.flac": 0.9999, "24.flac": 0.999999, "mono22.flac": 0.9999} {
		t.Run(name, func(t *testing.T) { soundtest.Check(t, open, file(t, name), alike, true) })
	}
	s, err := pcm.Open(filepath.Join("testdata", "surround.flac"))
	require.NoError(t, err)
	defer s.Close()
	require.InDelta(t, 2*14400, len(soundtest.All(t, s)), 4)
}

func TestSpoiled(t *testing.T) {
	soundtest.Spoil(t, open, file(t, "mono22.flac"))
}

func FuzzFlac(f *testing.F) {
	names, err := filepath.Glob(filepath.Join("testdata", "*.*"))
	require.NoError(f, err)
	require.NotEmpty(f, names)
	for _, name := range names {
		b, err := os.ReadFile(name)
		require.NoError(f, err)
		f.Add(b[:min(len(b), 8<<10)])
	}
	f.Fuzz(func(t *testing.T, b []byte) { soundtest.Bear(t, open, b) })
}
