package mp3

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

// TestFiles wants the sweep, exactly as long where the file says so.
func TestFiles(t *testing.T) {
	for name, exact := range map[string]bool{"tagged.mp3": true, "plain.mp3": false, "mono22.mp3": true, "id3.mp3": true} {
		t.Run(name, func(t *testing.T) { soundtest.Check(t, open, file(t, name), 0.98, exact) })
	}
}

func TestSpoiled(t *testing.T) {
	soundtest.Spoil(t, open, file(t, "mono22.mp3"))
}

func FuzzMp3(f *testing.F) {
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
