package voiceshard

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/dave"
	"github.com/discordpkg/gateway/snowflake"
)

// A bot shows one key in all of its calls, that of the user if there is one.
func TestOneIdentityForAllCalls(t *testing.T) {
	key := func(e2ee func(user, channel snowflake.ID) (FrameCryptor, error), channel snowflake.ID) []byte {
		m, err := e2ee(bot, channel)
		require.NoError(t, err)
		return m.(*dave.Session).IdentityKey(bot)
	}
	c, err := newConfig(nil)
	require.NoError(t, err)
	require.NotEmpty(t, key(c.e2ee, lobby))
	require.Equal(t, key(c.e2ee, lobby), key(c.e2ee, cellar))
	other, err := newConfig(nil)
	require.NoError(t, err)
	require.NotEqual(t, key(c.e2ee, lobby), key(other.e2ee, lobby), "another Voice is another bot")

	identity, err := dave.NewIdentity()
	require.NoError(t, err)
	c, err = newConfig([]Option{WithDAVE(dave.WithIdentity(identity))})
	require.NoError(t, err)
	require.Equal(t, identity.PublicKey(), key(c.e2ee, lobby))
	require.Equal(t, identity.PublicKey(), key(c.e2ee, cellar))
}
