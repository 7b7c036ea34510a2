package etf

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// newWriter is as AppendJSON makes it, with a room for output.
func newWriter(term []byte, room int) *writer {
	return &writer{src: term, out: make([]byte, room), top: opened(inNothing, 1), maxDepth: 40, limit: math.MaxInt - slack}
}

// stepwise is AppendJSON without writeTerm.
func stepwise(term []byte) ([]byte, int, error) {
	w := newWriter(term, slack)
	for {
		if done, err := w.step(); done || err != nil {
			return w.out[:w.n], w.i, err
		}
	}
}

// requireLimit checks that the limit is exact, and holds for what is allocated.
func requireLimit(t *testing.T, term []byte) {
	t.Helper()
	want, err := Codec{}.AppendJSON(nil, term, math.MaxInt)
	if err != nil {
		return
	}
	for short := range 4 {
		limit := len("before ") + len(want) - short
		got, err := Codec{}.AppendJSON([]byte("before "), term, limit)
		if short > 0 {
			require.ErrorIs(t, err, ErrSize, "%q", term)
			require.Equal(t, "before ", string(got))
			continue
		}
		require.NoError(t, err, "%q", term)
		require.Equal(t, "before "+string(want), string(got))
		require.LessOrEqual(t, cap(got), limit+slack+1)
	}
}

// requireSame checks that writeTerm makes no difference, not even to errors.
func requireSame(t *testing.T, term []byte, room int) {
	t.Helper()
	term = append(make([]byte, 0, len(term)), term...) // reading on would panic
	want, at, wantErr := stepwise(term)
	w := newWriter(term, room)
	err := w.term()
	require.Equal(t, wantErr, err, "%q", term)
	require.Equal(t, at, w.i, "%q", term)
	if err == nil {
		require.Equal(t, string(want), string(w.out[:w.n]), "%q", term)
	}
	requireLimit(t, term)
}

// A termMaker makes up terms of all forms, most of them usual.
type termMaker struct{ *rand.Rand }

func (m termMaker) text(letters string) []byte {
	size := m.IntN(20)
	if m.IntN(4) == 0 {
		size = m.IntN(80)
	}
	b := make([]byte, size)
	for i := range b {
		b[i] = letters[m.IntN(len(letters))]
	}
	switch m.IntN(3) {
	case 0:
		return append([]byte{tagSmallAtom + 4*byte(m.IntN(2)), byte(size)}, b...)
	case 1:
		return append([]byte{tagAtom + 18*byte(m.IntN(2)), 0, byte(size)}, b...)
	}
	return append(binary.BigEndian.AppendUint32([]byte{tagBinary}, uint32(size)), b...)
}

func (m termMaker) constant() []byte {
	name := []string{"nil", "null", "true", "false", "nul", "trueish", "no", "undefined"}[m.IntN(8)]
	if m.IntN(2) == 0 {
		return append([]byte{tagSmallAtom, byte(len(name))}, name...)
	}
	return append([]byte{tagAtom, 0, byte(len(name))}, name...)
}

func (m termMaker) number() []byte {
	switch m.IntN(4) {
	case 0:
		return []byte{tagSmallInteger, byte(m.UintN(256))}
	case 1:
		return binary.BigEndian.AppendUint32([]byte{tagInteger}, m.Uint32()>>m.IntN(32))
	case 2:
		return binary.LittleEndian.AppendUint64([]byte{tagSmallBig, 8, byte(m.IntN(8) / 7)}, m.Uint64()>>m.IntN(8))
	}
	size := m.IntN(10)
	return append([]byte{tagSmallBig, byte(size), 0}, binary.LittleEndian.AppendUint64([]byte{0: byte(m.UintN(256))}, m.Uint64())[:size]...)
}

func (m termMaker) term(depth int) []byte {
	kinds := 12
	if depth == 0 {
		kinds = 8
	}
	switch kind := m.IntN(kinds); kind {
	case 0, 1:
		return m.constant()
	case 2, 3:
		return m.number()
	case 4:
		return m.text("abc \"\\\n\x00\xff\xc3\xa9")
	case 5, 6:
		return m.text("abcdefg /<>&_0123456789")
	case 7:
		return []byte{tagNil}
	case 8:
		term := []byte{tagSmallTuple, byte(m.IntN(3))}
		for range term[1] {
			term = append(term, m.term(depth-1)...)
		}
		return term
	case 9:
		count := m.IntN(5)
		term := binary.BigEndian.AppendUint32([]byte{tagList}, uint32(count))
		for range count {
			term = append(term, m.term(depth-1)...)
		}
		return append(term, tagNil)
	}
	count := m.IntN(8)
	term := binary.BigEndian.AppendUint32([]byte{tagMap}, uint32(count))
	for range count {
		if m.IntN(20) == 0 {
			term = append(term, m.number()...)
		} else {
			term = append(term, m.text([]string{"abcdefghijklmnopqrstuvwxyz_", "ab_01A\""}[m.IntN(10)/9])...)
		}
		term = append(term, m.term(depth-1)...)
	}
	return term
}

// What is usual comes out as if it were not, whole, cut short and spoiled.
func TestUsual(t *testing.T) {
	m := termMaker{rand.New(rand.NewPCG(9, 10))}
	for range 5000 {
		term := m.term(5)
		requireSame(t, term, slack+m.IntN(8*len(term)+1))
		requireSame(t, term[:m.IntN(len(term)+1)], slack+8*len(term))
		for range m.IntN(3) {
			term[m.IntN(len(term))] = byte(m.UintN(256))
		}
		requireSame(t, term, slack+8*len(term))
	}
}

func TestUsualDepth(t *testing.T) {
	for _, depth := range []int{shallow - 1, shallow, shallow + 1, 39, 40, 41} {
		for _, inner := range []string{"j", "a\x05", binaryTerm(strings.Repeat("x", 60))} {
			term := strings.Repeat("l\x00\x00\x00\x01", depth) + inner + strings.Repeat("j", depth)
			requireSame(t, []byte(term), 4096)
			term = strings.Repeat("t\x00\x00\x00\x01s\x01a", depth) + inner
			requireSame(t, []byte(term), 4096)
		}
	}
}

// A dispatch with nothing unusual is read in two goes, but for the very last.
func TestUsualSuffices(t *testing.T) {
	text := strings.ReplaceAll(messageCreate, `\"`, `'`)
	for name, term := range map[string][]byte{
		"atoms":    fromDiscord(t, text)[1:],
		"binaries": inBinaries(t, text)[1:],
	} {
		w := newWriter(term, 8192)
		writeTerm(w)
		_, err := w.step()
		require.NoError(t, err)
		writeTerm(w) // the end, see rest
		require.Less(t, len(term)-w.i, tip, name)
	}
}

func inBinaries(t *testing.T, text string) []byte {
	t.Helper()
	msg, err := Codec{}.AppendWire(nil, []byte(text))
	require.NoError(t, err)
	return msg
}

func FuzzUsual(f *testing.F) {
	seedTerms(f)
	m := termMaker{rand.New(rand.NewPCG(11, 12))}
	for range 20 {
		f.Add(m.term(4))
	}
	f.Fuzz(func(t *testing.T, term []byte) {
		requireSame(t, term, 8*len(term)+slack)
		requireSame(t, term, slack)
	})
}
