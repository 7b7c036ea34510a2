package etf

import (
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A vector pairs a message with its JSON, see testdata/README.md.
type vector struct {
	Name  string `json:"name"`
	JSON  string `json:"json"`
	Hex   string `json:"hex"`
	Back  string `json:"back"`  // what the foreign decoder reads
	Error string `json:"error"` // why the foreign decoder refuses it
}

func (v vector) message(t *testing.T) []byte {
	t.Helper()
	msg, err := hex.DecodeString(v.Hex)
	require.NoError(t, err)
	return msg
}

func load(t *testing.T, name string, v any) {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, v))
}

// Integers that may be beyond 32 bits, and those that are. Erlpack writes the
// latter as NEW_FLOAT, and reads integers of Erlang as strings then.
var (
	maybeWide = regexp.MustCompile(`(^|[:,\[])-?\d{10,}`)
	wide      = regexp.MustCompile(`([:,\[])(-?\d{11,})`)
)

func checkDecoded(t *testing.T, v vector) {
	t.Helper()
	text, err := Codec{}.AppendJSON(nil, v.message(t), math.MaxInt)
	require.NoError(t, err, v.JSON)
	require.JSONEq(t, v.JSON, string(text), "terms to JSON")
}

func checkEncoded(t *testing.T, v vector) {
	t.Helper()
	if maybeWide.MatchString(v.JSON) {
		return
	}
	msg, err := Codec{}.AppendWire(nil, []byte(v.JSON))
	require.NoError(t, err, v.JSON)
	require.Equal(t, v.Hex, hex.EncodeToString(msg), "JSON to terms: "+v.JSON)
}

func TestForeignEncoders(t *testing.T) {
	var file struct {
		Sets []struct {
			Package string   `json:"package"`
			Pack    []vector `json:"pack"`
		} `json:"sets"`
	}
	load(t, "foreign.json", &file)
	require.Len(t, file.Sets, 2)
	for _, set := range file.Sets {
		t.Run(set.Package, func(t *testing.T) {
			require.NotEmpty(t, set.Pack)
			for _, v := range set.Pack {
				checkDecoded(t, v)
				if strings.HasPrefix(set.Package, "erlpack ") {
					checkEncoded(t, v)
				}
			}
		})
	}
}

// Where the decoder differs from erlpack on purpose: the JSON it gives, or the
// error.
var (
	acceptsMore = map[string]string{
		"atom_utf8":       `null`,
		"small_atom_utf8": `null`,
	}
	acceptsLess = map[string]error{
		"compressed": ErrCompressed,
		"trailing":   ErrTrailing,
		"pid":        ErrUnsupported,
		"ref":        ErrUnsupported,
	}
)

func TestErlpack(t *testing.T) {
	var file struct{ Pack, Unpack []vector }
	load(t, "erlpack.json", &file)
	require.Len(t, file.Pack, 43)
	require.Len(t, file.Unpack, 35)
	for _, v := range file.Pack {
		v.JSON = v.Back // differs where a property was undefined
		checkDecoded(t, v)
		checkEncoded(t, v)
	}
	for _, v := range file.Unpack {
		t.Run(v.Name, func(t *testing.T) {
			msg := v.message(t)
			if v.Name != "no_version" && v.Name != "empty" {
				require.EqualValues(t, version, msg[0])
			}
			text, err := Codec{}.AppendJSON(nil, msg, math.MaxInt)
			switch want, more := acceptsMore[v.Name]; {
			case more:
				require.NoError(t, err)
				require.JSONEq(t, want, string(text))
			case acceptsLess[v.Name] != nil:
				require.ErrorIs(t, err, acceptsLess[v.Name])
			case v.Name == "no_version": // a bare term, as Split returns it
				require.NoError(t, err)
				require.Equal(t, "1", string(text))
			case v.Error != "":
				require.Error(t, err, v.Error)
			default:
				require.NoError(t, err)
				require.JSONEq(t, v.JSON, string(text))
			}
		})
	}
}

// What erlpack reads of messages in the form that Discord sends, made by
// AppendWire: a local server's foreign clients see the same values.
func TestServerFormIsReadByErlpack(t *testing.T) {
	var file struct {
		Unpack []vector `json:"unpack"`
	}
	load(t, "server.json", &file)
	require.NotEmpty(t, file.Unpack)
	for _, v := range file.Unpack {
		ours, err := Codec{AtomKeys: true, IntegerIDs: true}.AppendWire(nil, []byte(v.JSON))
		require.NoError(t, err)
		require.Equal(t, v.Hex, hex.EncodeToString(ours), v.JSON)
		require.JSONEq(t, wide.ReplaceAllString(v.JSON, `$1"$2"`), v.Back, "erlpack reads the same")
		text, err := Codec{}.AppendJSON(nil, ours, math.MaxInt)
		require.NoError(t, err)
		require.JSONEq(t, v.JSON, string(text))
	}
}
