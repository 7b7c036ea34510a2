package frame

import (
	"bytes"
	"io"
	"testing"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// FuzzReader compares with the reader of gobwas/ws on the same bytes: the same
// messages and control frames come out, and where one fails the other does.
func FuzzReader(f *testing.F) {
	f.Add([]byte{}, uint16(1), false)
	f.Add(serverFrame(true, ws.OpText, "hello"), uint16(2), false)
	f.Add(join(serverFrame(false, ws.OpText, "a"), serverFrame(true, ws.OpPing, "b"), serverFrame(true, ws.OpContinuation, "c")), uint16(3), false)
	f.Add(AppendClient(nil, ws.OpBinary, bytes.Repeat([]byte("x"), 300)), uint16(7), true)
	f.Add(serverFrame(true, ws.OpClose, "\x03\xe8bye"), uint16(1), false)
	f.Add([]byte{0x82, 127, 0, 0, 0, 0, 0, 0, 0, 1, 'x', 0x8a, 0}, uint16(4), false)
	f.Add([]byte{0x82, 126, 0, 1, 'x'}, uint16(1), false)
	f.Fuzz(func(t *testing.T, stream []byte, piece uint16, server bool) {
		side := ws.StateClientSide
		if server {
			side = ws.StateServerSide
		}
		const limit = 1000
		src := &pieces{stream, int(piece)%64 + 1}
		got, gotErr := all(NewReader(src, side, limit, nil))
		want, wantErr := oracle(stream, side, limit)
		if len(got) != len(want) {
			t.Fatalf("%d messages (%v), want %d (%v)", len(got), gotErr, len(want), wantErr)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("message %d is %q, want %q", i, got[i], want[i])
			}
		}
		// The oracle does not tell an end inside of a header from one between frames.
		if (noEOF(gotErr) == io.ErrUnexpectedEOF) != (noEOF(wantErr) == io.ErrUnexpectedEOF) {
			t.Fatalf("err = %v, want %v", gotErr, wantErr)
		}
	})
}

// A pieces reader returns at most a number of bytes at a time.
type pieces struct {
	b []byte
	n int
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.b) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.b[:min(p.n, len(p.b))])
	p.b = p.b[n:]
	return n, nil
}

// oracle reads with wsutil.
func oracle(stream []byte, side ws.State, limit int64) (got []read, err error) {
	r := &wsutil.Reader{Source: bytes.NewReader(stream), State: side, MaxFrameSize: limit}
	r.OnIntermediate = func(h ws.Header, src io.Reader) error {
		b, err := io.ReadAll(src)
		if err == nil && int64(len(b)) < h.Length {
			err = io.ErrUnexpectedEOF
		}
		if err == nil {
			got = append(got, read{h.OpCode, string(b)})
		}
		return err
	}
	for {
		h, err := r.NextFrame()
		if err != nil {
			return got, err
		}
		b, err := io.ReadAll(io.LimitReader(r, limit+1))
		switch {
		case err != nil:
			return got, noEOF(err)
		case int64(len(b)) > limit:
			return got, ErrTooLarge
		}
		got = append(got, read{h.OpCode, string(b)})
	}
}
