package mlsgo

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/thomas-vilte/mls-go/keypackages"
)

// The law for a machine here: no clock, context, log, lock or network.
func TestNeedPurity(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "github.com/thomas-vilte/mls-go/group").Output()
	require.NoError(t, err)
	packages := strings.Fields(string(out))
	require.Subset(t, packages, []string{"context", "crypto/x509", "encoding/json", "net", "os", "sync", "time"})
}

// Lifetimes are held against the clock of the machine.
func TestNeedLifetimeByTheClock(t *testing.T) {
	c := newCall(t, 2)
	p := newPeer(t, 9)
	late, _, err := keypackages.Generate(p.credential, suite, keypackages.WithLifetime(1, 2))
	require.NoError(t, err)
	message, _ := c.service.add(t, 1, late.Marshal())
	require.ErrorContains(t, c.members[0].receive(message), "leaf node expired")
}

// A secret of every epoch that ever was is kept, and copied with the state.
func TestNeedSecretsOfOldEpochsStay(t *testing.T) {
	c := newCall(t, 1)
	const epochs = 20
	for range epochs {
		c.win(t, 0, c.members[0].commit(t))
	}
	require.Len(t, c.members[0].group.CachedPsks(), epochs)
}

func TestNeedFormatShowsKeys(t *testing.T) {
	secret := newCall(t, 1).members[0].group.EpochSecrets().InitSecret
	require.Contains(t, fmt.Sprintf("%+v", secret), fmt.Sprint(secret.AsSlice()))
}
