package redact

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestText(t *testing.T) {
	require.Equal(t, "no (secret), no (secret)(secret)", Text("no abc, no defabc", "abc", "", "def"))
	require.Equal(t, "abc", Text("abc"))
}

func TestError(t *testing.T) {
	require.NoError(t, Error(nil, "abc"))
	plain := errors.New("plain")
	require.Equal(t, plain, Error(plain, "abc"))
	loud := fmt.Errorf("abc: %w", plain)
	quiet := Error(loud, "abc")
	require.ErrorIs(t, quiet, plain)
	for _, verb := range []string{"%v", "%+v", "%s", "%q", "%#v"} {
		require.NotContains(t, fmt.Sprintf(verb, quiet), "abc", verb)
	}
}
