package interop

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/dave"
	"github.com/discordpkg/gateway/snowflake"
)

// pair is a call of one client of each kind.
func pair(t *testing.T, p *daveyProcess) (c *call, our, their *member) {
	c = newCall(t, p, 1)
	c.joinAll("ot")
	c.agree()
	return c, c.member(1), c.member(2)
}

// both runs a test in both directions.
func both(t *testing.T, p *daveyProcess, test func(t *testing.T, c *call, from, to *member)) {
	c, our, their := pair(t, p)
	t.Run("ours to theirs", func(t *testing.T) { p.t, c.t = t, t; test(t, c, our, their) })
	t.Run("theirs to ours", func(t *testing.T) { p.t, c.t = t, t; test(t, c, their, our) })
}

// Frames may arrive in any order, but each is taken once.
func daveyFrames(t *testing.T, p *daveyProcess) {
	both(t, p, func(t *testing.T, c *call, from, to *member) {
		var frames [][]byte
		for i := range 200 { // nonces grow by a byte on the way
			frames = append(frames, from.peer.encrypt(c.now, spoken(i), dave.Opus))
		}
		hear := func(i int) {
			heard, err := to.peer.decrypt(c.now, from.user, frames[i], dave.Opus)
			require.NoError(t, err, "%d", i)
			require.Equal(t, spoken(i), heard)
		}
		hear(0) // older ones would be refused
		for _, i := range c.r.Perm(len(frames) - 1) {
			hear(i + 1)
		}
	})
}

func spoken(i int) []byte {
	return append([]byte{0xfc}, bytes.Repeat([]byte(fmt.Sprint(i)), 1+i%60)...)
}

// A frame that was heard, and one from before the first that was, are refused.
func daveyReplay(t *testing.T, p *daveyProcess) {
	both(t, p, func(t *testing.T, c *call, from, to *member) {
		// Nobody has heard anything in this epoch.
		c.join(snowflake.ID(c.r.Uint32()), weJoin)
		c.settle()
		first, second, third := from.peer.encrypt(c.now, spoken(1), dave.Opus), from.peer.encrypt(c.now, spoken(2), dave.Opus), from.peer.encrypt(c.now, spoken(3), dave.Opus)
		refuses := func(frame []byte, why string) {
			t.Helper()
			heard, err := to.peer.decrypt(c.now, from.user, frame, dave.Opus)
			require.Error(t, err, why)
			require.Empty(t, heard)
			if !to.foreign {
				require.ErrorIs(t, err, dave.ErrReplay, why)
			}
		}
		hears := func(frame, want []byte) {
			t.Helper()
			heard, err := to.peer.decrypt(c.now, from.user, frame, dave.Opus)
			require.NoError(t, err)
			require.Equal(t, want, heard)
		}
		hears(second, spoken(2))
		refuses(second, "again")
		refuses(first, "before the first")
		hears(third, spoken(3))
		refuses(third, "again")
		refuses(second, "again, later")
	})
}

// A frame that was changed on the way, or that somebody else sent, is refused.
func daveyForgery(t *testing.T, p *daveyProcess) {
	both(t, p, func(t *testing.T, c *call, from, to *member) {
		frame := from.peer.encrypt(c.now, spoken(7), dave.Opus)
		for i := range len(frame) - 3 { // without size and marker, which make it a frame
			changed := bytes.Clone(frame)
			changed[i] ^= 0x40
			_, err := to.peer.decrypt(c.now, from.user, changed, dave.Opus)
			require.Error(t, err, "byte %d", i)
		}
		_, err := to.peer.decrypt(c.now, 666, frame, dave.Opus)
		require.Error(t, err)
		heard, err := to.peer.decrypt(c.now, from.user, frame, dave.Opus)
		require.NoError(t, err)
		require.Equal(t, spoken(7), heard)
	})
}

// Silence is not encrypted, by either.
func daveySilence(t *testing.T, p *daveyProcess) {
	silence := []byte{0xf8, 0xff, 0xfe}
	both(t, p, func(t *testing.T, c *call, from, to *member) {
		heard, err := to.peer.decrypt(c.now, from.user, silence, dave.Opus)
		require.NoError(t, err)
		require.Equal(t, silence, heard)
		heard, err = to.peer.decrypt(c.now, from.user, from.peer.encrypt(c.now, silence, dave.Opus), dave.Opus)
		require.NoError(t, err)
		require.Equal(t, silence, heard)
	})
}

// Frames of video keep clear what packetizers read. Both rewrite the same of
// it: the size of the last unit of AV1, and short start codes.
func daveyVideo(t *testing.T, p *daveyProcess) {
	slice := bytes.Repeat([]byte{0x5a, 0xc3, 0x11}, 40)
	av1 := []byte{0x0a, 3, 0, 0, 0}
	h264 := annexB(append([]byte{0x41, 0x9a, 0x21}, slice...))
	both(t, p, func(t *testing.T, c *call, from, to *member) {
		for _, v := range []struct {
			codec       dave.Codec
			frame, want []byte // the same if nil
		}{
			{codec: dave.VP8, frame: append([]byte{0x50, 1, 2, 0x9d, 1, 0x2a, 0x80, 2, 0xe0, 1}, slice...)},
			{codec: dave.VP8, frame: append([]byte{0x51, 9, 9}, slice...)},
			{codec: dave.VP9, frame: append([]byte{0x82, 0x49, 0x83, 0x42}, slice...)},
			{codec: dave.H264, frame: annexB([]byte{0x67, 0x42, 0, 0x1f, 0xe9}, []byte{0x68, 0xce, 6, 0xe2}, append([]byte{0x65, 0x88, 0x84}, slice...))},
			{codec: dave.H264, frame: h264},
			{codec: dave.H264, frame: h264[1:], want: h264},
			{codec: dave.H265, frame: annexB([]byte{0x40, 1, 0xc, 1}, []byte{0x42, 1, 1, 1}, []byte{0x44, 1, 0xc1}, append([]byte{0x26, 1, 0xaf}, slice...))},
			{codec: dave.H265, frame: annexB(append([]byte{2, 1, 0xd0}, slice...))},
			{codec: dave.AV1, frame: slices.Concat(av1, []byte{0x32, byte(len(slice))}, slice), want: slices.Concat(av1, []byte{0x30}, slice)},
			{codec: dave.AV1, frame: slices.Concat(av1, []byte{0x30}, slice)},
		} {
			if v.want == nil {
				v.want = v.frame
			}
			sealed := from.peer.encrypt(c.now, v.frame, v.codec)
			require.NotContains(t, string(sealed), string(slice[:9]))
			seen, err := to.peer.decrypt(c.now, from.user, sealed, v.codec)
			require.NoError(t, err, "%v", v.codec)
			require.Equal(t, v.want, seen, "%v", v.codec)
		}
	})
}

// annexB puts a start code before each unit.
func annexB(units ...[]byte) (frame []byte) {
	for _, u := range units {
		frame = append(append(frame, 0, 0, 0, 1), u...)
	}
	return frame
}
