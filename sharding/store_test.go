package sharding

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
)

func someCheckpoint(seq int64) Checkpoint {
	return Checkpoint{Total: 4, Saved: time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC), Shards: []ShardCheckpoint{
		{ID: 1, Session: gateway.Session{ID: "a", ResumeURL: "wss://resume.test", Seq: seq}, Seen: seq + 1, Open: true},
		{ID: 3, Session: gateway.Session{ID: "b", Seq: 2 * seq}, Seen: 2 * seq},
	}}
}

func fileStore(t *testing.T, options ...FileStoreOption) *FileStore {
	s, err := NewFileStore(filepath.Join(t.TempDir(), "deep", "down"), options...)
	require.NoError(t, err)
	return s
}

func TestStores(t *testing.T) {
	for name, s := range map[string]Store{"memory": new(MemoryStore), "file": fileStore(t)} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			c, err := s.Load(ctx, "key")
			require.NoError(t, err)
			require.Zero(t, c)
			given := someCheckpoint(1)
			require.NoError(t, s.Save(ctx, "key", given))
			given.Shards[0].Seen = 99
			require.NoError(t, s.Save(ctx, "other", someCheckpoint(2)))
			for key, seq := range map[string]int64{"key": 1, "other": 2} {
				c, err = s.Load(ctx, key)
				require.NoError(t, err)
				require.Equal(t, someCheckpoint(seq), c)
				c.Shards[0].Seen = 99
			}
			require.NoError(t, s.Save(ctx, "key", Checkpoint{}))
			c, err = s.Load(ctx, "key")
			require.NoError(t, err)
			require.Zero(t, c)
		})
	}
}

func TestFileStoreKeepsToItself(t *testing.T) {
	s := fileStore(t)
	key := storeKey("the.secret.token", 5)
	require.NoError(t, s.Save(t.Context(), key, someCheckpoint(1)))
	entries, err := os.ReadDir(s.dir)
	require.NoError(t, err)
	require.Len(t, entries, 2, "the sessions and their lock, nothing temporary")
	for _, e := range entries {
		require.NotContains(t, e.Name(), "secret")
		info, err := e.Info()
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}
	data, err := os.ReadFile(s.path(key))
	require.NoError(t, err)
	require.NotContains(t, string(data), "secret")
	for _, key := range []string{"", "../x", "a/b", "a.b", strings.Repeat("x", 101)} {
		_, err := s.Load(t.Context(), key)
		require.Equal(t, errStoreKey, err)
		require.Equal(t, errStoreKey, s.Save(t.Context(), key, Checkpoint{}))
	}
}

func TestFileStoreTellsCorruptFiles(t *testing.T) {
	for content, want := range map[string]string{
		``:                              "EOF",
		`{`:                             "EOF",
		`{"version":1,"total":2} {}`:    "something follows",
		`{"version":2}`:                 "version 2",
		`{"version":1,"total":9999999}`: "0 sessions of 9999999 shards",
		sessions(1, `{"shard":0,"session":{"id":"a"}},{"shard":1,"session":{"id":"a"}}`): "2 sessions of 1 shards",
		sessions(2, `{"shard":2,"session":{"id":"a"}}`):                                  "shard 2 of 2",
		sessions(2, `{"shard":1,"session":{"id":"a"}},{"shard":1,"session":{"id":"a"}}`): "behind shard 1",
		sessions(2, `{"shard":1}`):                                            "no session id",
		sessions(2, `{"shard":1,"session":{"id":"a","seq":-1}}`):              "negative",
		sessions(2, `{"shard":1,"seen":-1,"session":{"id":"a"}}`):             "negative",
		sessions(2, fmt.Sprintf(`{"shard":1,"session":{"id":"%04097d"}}`, 0)): "too long",
	} {
		s := fileStore(t)
		require.NoError(t, os.WriteFile(s.path("key"), []byte(content), 0o600))
		_, err := s.Load(t.Context(), "key")
		var corrupt *CorruptStoreError
		require.ErrorAs(t, err, &corrupt, content)
		require.ErrorContains(t, err, want)
		require.Equal(t, s.path("key"), corrupt.Path)

		StartAnew()(s)
		c, err := s.Load(t.Context(), "key")
		require.NoError(t, err)
		require.Zero(t, c)
		kept, err := os.ReadFile(s.path("key") + ".corrupt")
		require.NoError(t, err)
		require.Equal(t, content, string(kept))
		require.NoError(t, s.Save(t.Context(), "key", someCheckpoint(1)))
	}
}

func sessions(total int, shards string) string {
	return fmt.Sprintf(`{"version":1,"total":%d,"shards":[%s]}`, total, shards)
}

func TestFileStoreReportsTheDisk(t *testing.T) {
	_, err := NewFileStore("")
	require.Error(t, err)
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err = NewFileStore(file)
	require.Error(t, err)

	s := fileStore(t)
	require.NoError(t, os.Mkdir(s.path("key"), 0o700))
	_, err = s.Load(t.Context(), "key")
	require.ErrorContains(t, err, "sharding: store: ")
	require.ErrorContains(t, s.Save(t.Context(), "key", Checkpoint{}), "sharding: store: ")
	left, err := filepath.Glob(filepath.Join(s.dir, "*.new"))
	require.NoError(t, err)
	require.Empty(t, left)
	require.NoError(t, os.RemoveAll(s.dir))
	require.ErrorIs(t, s.Save(t.Context(), "key", Checkpoint{}), os.ErrNotExist)
}

func TestFileStoreNeverShowsHalfOfASave(t *testing.T) {
	s := fileStore(t)
	require.NoError(t, s.Save(t.Context(), "key", someCheckpoint(0)))
	var writers sync.WaitGroup
	for w := range int64(2) {
		writers.Go(func() {
			for i := range int64(20) {
				if err := s.Save(context.Background(), "key", someCheckpoint(100*w+i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 100 {
		c, err := s.Load(t.Context(), "key")
		require.NoError(t, err)
		require.Equal(t, someCheckpoint(c.Shards[0].Session.Seq), c)
	}
	writers.Wait()
}

func FuzzDecodeCheckpoint(f *testing.F) {
	f.Add([]byte(sessions(2, `{"shard":1,"seen":7,"session":{"id":"a","resume_url":"wss://x","seq":6}}`)))
	f.Add([]byte(sessions(0, ``)))
	f.Add([]byte(`{"version":1,"total":1,"saved":"2026-08-01T00:00:00Z","shards":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := decodeCheckpoint(data)
		if err == nil && c.check() != nil {
			t.Error("accepted and wrong")
		}
	})
}
