package mlsgo

import (
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/thomas-vilte/mls-go/group"
)

// endless is set in the process that is to be lost.
const endless = "MLSGO_ENDLESS"

// A commit that removes its own committer and yet has a path is refused by
// the RFC. The library looks for the way from a leaf that is cut off to the
// root of what is left, and never comes back: one member stops all others.
func TestNeedCommitThatNeverReturns(t *testing.T) {
	if os.Getenv(endless) != "" {
		removeYourselfWithPath(t)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestNeedCommitThatNeverReturns$", "-test.timeout=3s")
	cmd.Env = append(os.Environ(), endless+"=1")
	out, err := cmd.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "test timed out")
	require.Contains(t, string(out), "receiving\n")
	require.NotContains(t, string(out), "returned\n")
}

func removeYourselfWithPath(t *testing.T) {
	c := newCall(t, 2)
	leaver := c.members[1]
	var path *group.UpdatePath
	pend(t, leaver, func(s *group.StagedCommit) []byte {
		path = s.Commit().Path
		return nil
	})
	message, ref := c.service.remove(t, 1, 1)
	c.propose(t, message)
	body := group.Commit{Proposals: []group.ProposalOrRef{{ProposalRef: ref}}, Path: path}
	message = signCommit(t, leaver, body.Marshal())
	fmt.Println("receiving")
	_ = c.members[0].receive(message)
	fmt.Println("returned")
}
