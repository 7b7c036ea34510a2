package mlsgo

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/thomas-vilte/mls-go/extensions"
	"github.com/thomas-vilte/mls-go/framing"
	"github.com/thomas-vilte/mls-go/group"
	"github.com/thomas-vilte/mls-go/keypackages"
)

// What arrives as it is: any of these bytes may come from anybody.
func FuzzKeyPackage(f *testing.F) {
	f.Add(newPeer(f, 1).pkg.Marshal())
	f.Fuzz(func(t *testing.T, b []byte) {
		if pkg, err := keypackages.UnmarshalKeyPackage(b); err == nil && pkg.LeafNode.Credential != nil {
			_ = pkg.Validate()
			if pkg.Verify(suite) == nil {
				pkg.Marshal()
			}
		}
	})
}

func FuzzMessage(f *testing.F) {
	c := newCall(f, 3)
	message, _ := c.service.remove(f, 1, 2)
	f.Add(message)
	f.Add(c.members[0].commit(f).commit)
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, err := framing.UnmarshalMLSMessage(b); err == nil {
			m.Marshal()
		}
		_ = c.members[1].receive(b)
	})
}

func FuzzWelcome(f *testing.F) {
	p := newPeer(f, 9)
	f.Add(hostileWelcome(f, p.pkg, treeInfo(nil)))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 2 && b[0] == 0 && b[1] == byte(suite) { // others panic
			_ = p.join(b)
		}
	})
}

// What is under a seal that anybody can make: the GroupInfo of a Welcome.
func FuzzGroupInfo(f *testing.F) {
	p := newPeer(f, 9)
	c := newCall(f, 5)
	c.win(f, 0, c.members[0].commit(f))
	info, err := c.members[0].group.GetGroupInfo(c.members[0].sign)
	require.NoError(f, err)
	f.Add(info.Marshal())
	f.Add(treeInfo(c.members[0].group.MarshalRatchetTreeRFC()))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 1<<13 && treesAreVectors(b) { // others may take all memory
			_ = p.join(hostileWelcome(t, p.pkg, b))
		}
	})
}

func treesAreVectors(info []byte) bool {
	i, err := group.UnmarshalGroupInfo(info)
	if err != nil {
		return true
	}
	for _, ext := range i.Extensions {
		n := len(ext.Data)
		long := n > 65 && n == 2+int(ext.Data[0]&0x3f)<<8+int(ext.Data[1]) && ext.Data[0]>>6 == 1
		if ext.Type == extensions.ExtensionTypeRatchetTree && !long {
			return false
		}
	}
	return true
}

// What a member or the service can sign.
func FuzzSignedCommit(f *testing.F) {
	c := newCall(f, 4)
	c.win(f, 0, c.members[0].commit(f))
	message, _ := c.service.remove(f, 2, 3)
	c.propose(f, message)
	for _, p := range c.members[1:3] {
		next := clone(f, p.group)
		s, err := next.Commit(p.sign, p.sign.PublicKey(), nil)
		require.NoError(f, err)
		f.Add(s.Commit().Marshal())
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		_ = receive(clone(t, c.members[0].group), signCommit(t, c.members[1], body))
	})
}

func FuzzSignedProposal(f *testing.F) {
	c := newCall(f, 3)
	f.Add(append([]byte{0, 1}, newPeer(f, 9).pkg.Marshal()...))
	f.Add([]byte{0, 3, 0, 0, 0, 2})
	f.Fuzz(func(t *testing.T, body []byte) {
		message, _ := c.service.propose(t, channel, 1, body)
		g := clone(t, c.members[0].group)
		if receive(g, message) == nil {
			commitAny(t, g, c.members[0])
		}
	})
}

func commitAny(t *testing.T, g *group.Group, p *peer) {
	if s, err := g.Commit(p.sign, p.sign.PublicKey(), nil); err == nil {
		_ = g.MergeCommit(s)
	}
}
