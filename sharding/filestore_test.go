package sharding

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestFileStoreLock wants a key to have one owner, also for a Save without Lock.
func TestFileStoreLock(t *testing.T) {
	dir := t.TempDir()
	store := func() *FileStore {
		s, err := NewFileStore(dir)
		require.NoError(t, err)
		return s
	}
	first, second := store(), store()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "key.json.new"), nil, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "key.ABC.new"), nil, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "other.ABC.new"), nil, 0o600))
	release, err := first.Lock(t.Context(), "key")
	require.NoError(t, err)
	left, err := filepath.Glob(filepath.Join(dir, "*.new"))
	require.NoError(t, err)
	require.Equal(t, []string{filepath.Join(dir, "other.ABC.new")}, left, "what an interrupted save has left is removed")
	_, err = first.Lock(t.Context(), "key")
	require.ErrorIs(t, err, ErrStoreLocked)
	_, err = second.Lock(t.Context(), "key")
	require.ErrorIs(t, err, ErrStoreLocked)
	require.ErrorIs(t, second.Save(t.Context(), "key", someCheckpoint(1)), ErrStoreLocked)
	require.NoError(t, first.Save(t.Context(), "key", someCheckpoint(2)))
	c, err := second.Load(t.Context(), "key")
	require.NoError(t, err, "to look is allowed")
	require.Equal(t, someCheckpoint(2), c)
	other, err := second.Lock(t.Context(), "other")
	require.NoError(t, err)
	require.NoError(t, other())
	require.NoError(t, release())
	require.NoError(t, second.Save(t.Context(), "key", someCheckpoint(3)))
	release, err = second.Lock(t.Context(), "key")
	require.NoError(t, err)
	require.NoError(t, release())
	require.NoError(t, release(), "once is enough")
	_, err = second.Lock(t.Context(), "a/b")
	require.ErrorIs(t, err, errStoreKey)
}

// TestFileStoreFollowsNoLinks lets the directory hold links to files outside,
// and to files in it.
func TestFileStoreFollowsNoLinks(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "outside")
	require.NoError(t, os.WriteFile(outside, []byte("precious"), 0o644))
	for _, name := range []string{"key.json", "key.lock", "key.json.new"} {
		t.Run(name, func(t *testing.T) {
			s := fileStore(t)
			if err := os.Symlink(outside, filepath.Join(s.dir, name)); err != nil {
				require.Error(t, err)
				return // this system allows no links
			}
			_, loadErr := s.Load(t.Context(), "key")
			require.Equal(t, name == "key.json", loadErr != nil)
			saveErr := s.Save(t.Context(), "key", someCheckpoint(1))
			require.Equal(t, name == "key.lock", saveErr != nil)
			data, err := os.ReadFile(outside)
			require.NoError(t, err)
			require.Equal(t, "precious", string(data))
			if saveErr == nil {
				info, err := os.Lstat(s.path("key"))
				require.NoError(t, err)
				require.True(t, info.Mode().IsRegular())
			}
		})
	}
}

func TestOwnersOfLocks(t *testing.T) {
	for content, want := range map[string]string{
		"":                     "an owner that has not said who it is",
		"process 7\n and more": "process 7",
		"a\x1b[31mb\x00c":      "a[31mbc",
	} {
		f, err := os.Create(filepath.Join(t.TempDir(), "lock"))
		require.NoError(t, err)
		_, err = f.WriteString(content)
		require.NoError(t, err)
		require.Equal(t, want, ownerOf(f))
		require.NoError(t, f.Close())
	}
}
