package discord

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const secret = "SECRETsecretSECRET"

// TestTokensDoNotShow prints events that carry a token.
func TestTokensDoNotShow(t *testing.T) {
	for name, e := range map[string]Event{
		`{"token":"` + secret + `"}`:          new(VoiceServerUpdate),
		`{"token":"` + secret + `","type":2}`: new(InteractionCreate),
		`{"activities":[{"secrets":{"join":"` + secret + `","match":"` + secret + `"}}]}`: new(PresenceUpdate),
	} {
		data := []byte(name)
		require.NoError(t, e.DecodeJSON(data))
		require.Contains(t, e.Raw(), secret)
		shown(t, e)
		require.NoError(t, DecodeInto(e, data))
		shown(t, e)
		out, err := json.Marshal(e)
		require.NoError(t, err)
		require.Contains(t, string(out), secret)
	}
	v := &VoiceServerUpdate{Token: secret}
	shown(t, *v)
	shown(t, v.Token)
	require.Equal(t, secret, string(v.Token))
	require.Equal(t, "[token]", v.Token.String())
	err := Strict([]byte(`{"token":["`+secret+`"]}`), v)
	require.Error(t, err)
	shown(t, errors.Join(err, v.DecodeJSON([]byte(`{"token":"`+secret+`"`))))
}

func shown(t *testing.T, v any) {
	t.Helper()
	var out strings.Builder
	verbs := []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"}
	if _, ok := v.(*PresenceUpdate); ok {
		verbs = verbs[:3] // with a verb that fits no pointer, fmt follows one and asks no methods
	}
	for _, verb := range verbs {
		fmt.Fprintf(&out, verb, v)
	}
	fmt.Fprintf(&out, "%v %+v %#v", []any{v}, []any{v}, []any{v})
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "v", v)
	for _, form := range []string{secret, fmt.Sprintf("%x", secret), strings.Trim(fmt.Sprint([]byte(secret)), "[]")} {
		require.NotContains(t, out.String(), form)
	}
}
