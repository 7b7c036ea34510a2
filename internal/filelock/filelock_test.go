package filelock

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTryLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	open := func() *os.File {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		require.NoError(t, err)
		t.Cleanup(func() { _ = f.Close() })
		return f
	}
	first, second := open(), open()
	if err := TryLock(first); err != nil {
		require.ErrorIs(t, err, errors.ErrUnsupported)
		return
	}
	_, err := first.WriteString("the owner")
	require.NoError(t, err)
	require.ErrorIs(t, TryLock(second), ErrLocked)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "the owner", string(data), "others can read who it is")
	require.NoError(t, first.Close())
	require.NoError(t, TryLock(second))
	require.Error(t, TryLock(first), "it is closed")
}
