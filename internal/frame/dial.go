package frame

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/gobwas/ws"
)

const (
	// MaxAnswer is how many bytes the head of an HTTP answer may have: the
	// status line and all headers of the answer to a websocket handshake, or of
	// a proxy's answer to CONNECT. Those of Discord have about 1 KiB.
	MaxAnswer = 16 << 10

	// MaxAnswerLines is how many lines the head of an HTTP answer may have, the
	// status line included.
	MaxAnswerLines = 128
)

// ErrAnswerTooLarge reports an HTTP answer whose head has more than [MaxAnswer]
// bytes or [MaxAnswerLines] lines. Nothing more was read of it.
var ErrAnswerTooLarge = errors.New("frame: head of the HTTP answer is too large")

// Dial opens a websocket as d says, and returns the bytes that followed the
// handshake as well: Discord sends Hello without waiting for anything. The
// caller owns both.
//
// The server's answer is read up to [MaxAnswer] and [MaxAnswerLines], in other
// cases the error matches [ErrAnswerTooLarge]. TLS has bounds of its own. The
// time that the handshake may take is that of ctx. Dial replaces d.WrapConn.
func Dial(ctx context.Context, d ws.Dialer, url string) (conn net.Conn, early []byte, err error) {
	d.WrapConn = func(conn net.Conn) net.Conn { return &answering{Conn: conn, head: head{src: conn}} }
	conn, r, _, err := d.Dial(ctx, url)
	if err != nil {
		return nil, nil, err
	}
	if r != nil {
		early, _ = r.Peek(r.Buffered())
		early = append([]byte(nil), early...)
		ws.PutReader(r)
	}
	return conn.(*answering).Conn, early, nil
}

// An answering connection bounds the head of the first answer that is read
// from it.
type answering struct {
	net.Conn
	head head
}

func (a *answering) Read(p []byte) (int, error) { return a.head.Read(p) }

// ReadAnswer reads the answer to a request from r, up to [MaxAnswer] and
// [MaxAnswerLines], in other cases the error matches [ErrAnswerTooLarge]. The
// reader holds what came after the head, of which nothing is bounded any more.
func ReadAnswer(r io.Reader, request *http.Request) (*http.Response, *bufio.Reader, error) {
	h := &head{src: r}
	br := bufio.NewReader(h)
	response, err := http.ReadResponse(br, request)
	if excess := h.excess(); err != nil && excess != nil {
		err = excess // net/http takes the end of the last line for a header
	}
	return response, br, err
}

// A head is a reader that counts until a blank line has ended the head of an
// HTTP message. It does not read beyond the limits.
//
// https://www.rfc-editor.org/rfc/rfc9112#section-2.1
type head struct {
	src   io.Reader
	read  int // bytes
	lines int
	line  int  // bytes of the current line
	cr    bool // they are one carriage return
	over  bool
}

// Read returns an error that matches [ErrAnswerTooLarge], now and later, when
// the head exceeds a limit.
func (h *head) Read(p []byte) (int, error) {
	if h.over {
		return h.src.Read(p)
	}
	if err := h.excess(); err != nil {
		return 0, err
	}
	n, err := h.src.Read(p[:min(len(p), MaxAnswer-h.read)])
	h.count(p[:n])
	if h.lines > MaxAnswerLines {
		return 0, h.excess()
	}
	return n, err
}

// excess returns which limit is used up before the head is over.
func (h *head) excess() error {
	switch {
	case h.over:
		return nil
	case h.lines > MaxAnswerLines:
		return fmt.Errorf("%w: more than %d lines", ErrAnswerTooLarge, MaxAnswerLines)
	case h.read >= MaxAnswer:
		return fmt.Errorf("%w: more than %d bytes", ErrAnswerTooLarge, MaxAnswer)
	}
	return nil
}

// count looks for the blank line.
func (h *head) count(b []byte) {
	h.read += len(b)
	for _, c := range b {
		if c != '\n' {
			h.cr = c == '\r' && h.line == 0
			h.line++
			continue
		}
		if h.over = h.line == 0 || h.cr; h.over {
			return
		}
		if h.lines++; h.lines > MaxAnswerLines {
			return
		}
		h.line, h.cr = 0, false
	}
}
