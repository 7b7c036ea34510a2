package pcm

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRootDoesNotKnowThisModule wants those who use the root module to pay for no
// codec: neither this module nor what it requires is in the root's module graph.
func TestRootDoesNotKnowThisModule(t *testing.T) {
	list := exec.Command("go", "list", "-m", "all")
	list.Dir = "../.."
	out, err := list.Output()
	require.NoError(t, err)
	require.Contains(t, string(out), "github.com/discordpkg/gateway\n", "the list is that of the root")
	for _, name := range []string{"gopus", "go-mp3", "mewkiz", "vorbis", "voiceshard/pcm"} {
		require.NotContains(t, string(out), name)
	}
}
