package wire

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMember(t *testing.T) {
	for _, c := range []struct {
		object, name, want string
		ok                 bool
	}{
		{`{"id":"7"}`, "id", `"7"`, true},
		{" {\n\"a\" : {\"id\":1} , \"id\"\t: [2, 3] } ", "id", `[2, 3]`, true},
		{`{"a":"\"id\":","id":null}`, "id", `null`, true},
		{`{"idx":1,"id":2,"id":3}`, "id", `2`, true},
		{`{"a":{"id":1}}`, "id", "", false},
		{`{"id":1`, "id", `1`, true},
		{`{"a":1`, "id", "", false},
		{`{"a":1}`, "", "", false},
		{`{"":1}`, "", `1`, true},
		{`{"\u0069d":1}`, "id", "", false},
		{`{}`, "id", "", false},
		{`{"id"}`, "id", "", false},
		{`{"id":}`, "id", "", false},
		{`["id",1]`, "id", "", false},
		{``, "id", "", false},
	} {
		raw, ok := Member([]byte(c.object), c.name)
		require.Equal(t, c.ok, ok, c.object)
		require.Equal(t, c.want, string(raw), c.object)
	}
}

// FuzzMember wants what encoding/json finds, whatever else the object holds.
func FuzzMember(f *testing.F) {
	for _, s := range []string{`{"id":"7"}`, `{"a":[{"id":1}],"id":{"b":"c"}}`, `{"id":1,"id":2}`, `{"a":1`, `[]`, `{"\\":"\"","id":0}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		raw, ok := Member(b, "id")
		if !Valid(b) {
			return
		}
		var all map[string]json.RawMessage
		if json.Unmarshal(b, &all) != nil {
			require.False(t, ok)
			return
		}
		if ok {
			_, has := all["id"]
			require.True(t, has)
			require.True(t, Valid(raw))
		}
	})
}
