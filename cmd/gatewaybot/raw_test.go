package main

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/sharding"
)

func TestRaw(t *testing.T) {
	for _, c := range []struct {
		p    sharding.Event
		want string
	}{
		{sharding.Event{Shard: 2, Name: "READY", Seq: 1, Data: []byte(`{"v":10}`)}, `{"shard":2,"seq":1,"t":"READY","d":{"v":10}}` + "\n"},
		{sharding.Event{Shard: 2, Name: "A", Data: []byte("{\n\t\"a\": [1,\r\n2] }")}, `{"shard":2,"seq":0,"t":"A","d":{"a":[1,2]}}` + "\n"},
		{sharding.Event{Shard: 2, Name: "B", Seq: 7}, `{"shard":2,"seq":7,"t":"B","d":null}` + "\n"},
		{sharding.Event{Shard: 2, Name: "odd\"\nname", Seq: 7, Data: []byte(`"s"`)}, `{"shard":2,"seq":7,"t":"odd\"\nname","d":"s"}` + "\n"},
	} {
		var b bytes.Buffer
		r := &rawWriter{w: &b}
		require.NoError(t, r.write(c.p))
		require.Equal(t, c.want, b.String())
		require.True(t, json.Valid(b.Bytes()))
	}
}

func TestRawStaysBroken(t *testing.T) {
	r := &rawWriter{w: brokenPipe{}}
	err := r.write(sharding.Event{Shard: 2, Name: "A"})
	require.EqualError(t, err, `write event "A": nobody reads`)
	require.Equal(t, err, r.write(sharding.Event{Shard: 2, Name: "B"}))
	require.ErrorContains(t, (&rawWriter{w: brokenPipe{}}).write(sharding.Event{Shard: 2, Name: "A", Data: []byte("{")}), `write event "A"`)
}
