package hostile

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/gobwas/ws"
)

// plain writes a message that the client inflates, and hangs up.
func plain(b []byte) func(*Conn) {
	return func(c *Conn) {
		c.Packed(b)
		c.Frame(ws.OpClose, ws.NewCloseFrameBody(4000, ""))
		c.Leave()
	}
}

// wire writes the payload of one frame as it is, and waits.
func wire(b []byte) func(*Conn) {
	return func(c *Conn) {
		c.Frame(ws.OpBinary, b)
		c.Leave()
	}
}

// bomb continues the stream of the connection with a gibibyte of spaces.
func bomb(c *Conn) {
	spaces := bytes.Repeat([]byte{' '}, 1<<20)
	first := c.pack(spaces)
	again := c.pack(spaces) // and so on: the window is all spaces now
	c.Frame(ws.OpBinary, append(first, bytes.Repeat(again, 1023)...))
	c.Leave()
}

// payloadBomb is one zlib stream of 64 MiB.
func payloadBomb(c *Conn) {
	var out bytes.Buffer
	w := zlib.NewWriter(&out)
	for range 64 {
		_, _ = w.Write(bytes.Repeat([]byte{' '}, 1<<20))
	}
	_ = w.Close()
	c.Frame(ws.OpBinary, out.Bytes())
	c.Leave()
}

func compressions() (all []Scenario) {
	zstd := "\x28\xb5\x2f\xfd"
	for name, upgraded := range map[string]func(*Conn){
		"zlib-stream: a wrong header":           wire([]byte("not zlib at all")),
		"zlib-stream: a dictionary":             wire([]byte("\x78\xbb\x00\x00\x00\x00\x00\x00\xff\xff")),
		"zlib-stream: the end of the stream":    wire([]byte("\x78\x9c\x03\x00\x00\x00\x00\x01\x00\x00\xff\xff")),
		"zlib-stream: a distance beyond":        wire([]byte("\x78\x9c\x4b\x04\xf2\x00\x00\x00\xff\xff")),
		"zlib-stream: never a flush":            func(c *Conn) { times(64e3, append([]byte{0x82, 126, 4, 0}, make([]byte, 1024)...))(c) },
		"zlib-stream: false flush markers":      times(1e4, []byte("\x82\x06\x78\x9c\x00\x00\xff\xff")),
		"zstd-stream: a wrong header":           wire([]byte("not zstd at all")),
		"zstd-stream: a dictionary":             wire([]byte(zstd + "\x01\x40\x07\x01\x00\x00")),
		"zstd-stream: a window of 2^41 bytes":   wire([]byte(zstd + "\x00\xff\x01\x00\x00")),
		"zstd-stream: a reserved block":         wire([]byte(zstd + "\x00\x40\x07\x00\x00")),
		"zstd-stream: one byte in each message": func(c *Conn) { times(1e6, []byte{0x82, 1, 0})(c) },
	} {
		all = append(all, Scenario{Group: "compression", Name: name, Compression: name[:11], Upgraded: upgraded})
	}
	return append(all,
		Scenario{Group: "compression", Name: "zlib-stream: a bomb", Compression: "zlib-stream", Active: bomb},
		Scenario{Group: "compression", Name: "zstd-stream: a bomb", Compression: "zstd-stream", Active: bomb},
		Scenario{Group: "compression", Name: "payload: a bomb", Compression: "payload", Active: payloadBomb},
		Scenario{Group: "compression", Name: "etf in zlib-stream: a bomb of control characters", ETF: true, Compression: "zlib-stream", Active: plain(term("m", 3<<20, "\x01"))},
		Scenario{Group: "compression", Name: "etf in zstd-stream: a bomb of control characters", ETF: true, Compression: "zstd-stream", Active: plain(term("m", 3<<20, "\x01"))},
	)
}

// envelope is a dispatch whose data is a term.
func envelope(d string) []byte {
	return []byte("\x83t\x00\x00\x00\x04d\x00\x01tm\x00\x00\x00\x0eMESSAGE_CREATEd\x00\x01sa\x02d\x00\x02opa\x00d\x00\x01d" + d)
}

// term is a dispatch with one term of a tag, a length of 32 bits, and contents.
func term(tag string, size int, content string) []byte {
	return envelope(tag + string(binary.BigEndian.AppendUint32(nil, uint32(size))) + strings.Repeat(content, size))
}

func terms() (all []Scenario) {
	for name, msg := range map[string][]byte{
		"nesting of a million":        envelope(strings.Repeat("h\x01", 1e6) + "j"),
		"a list that declares 2^32":   envelope("l\xff\xff\xff\xffa\x01"),
		"a tuple that declares 2^32":  envelope("i\xff\xff\xff\xffa\x01"),
		"a map that declares 2^32":    envelope("t\xff\xff\xff\xffa\x01a\x01"),
		"a binary that declares 2^32": envelope("m\xff\xff\xff\xffx"),
		"an integer of a mebibyte":    term("o", 1<<20, "\x01"),
		"an atom of 64 KiB":           envelope("d\xff\xff" + strings.Repeat("x", 0xffff)),
		"a binary of NUL":             term("m", 3<<20, "\x00"),
		"a binary that is no UTF-8":   term("m", 3<<20, "\xff"),
		"an improper list":            envelope("l\x00\x00\x00\x01a\x01a\x02"),
		"a compressed term":           []byte("\x83P\x00\x00\x00\x10" + strings.Repeat("x", 16)),
		"a wrong version":             []byte("\x84t\x00\x00\x00\x00"),
		"no envelope":                 []byte("\x83l\x00\x00\x00\x01a\x01j"),
		"a map with equal keys":       envelope("t\x00\x00\x00\x02d\x00\x01aa\x01d\x00\x01aa\x02"),
	} {
		all = append(all, Scenario{Group: "ETF", Name: name, ETF: true, Active: plain(msg)})
	}
	return all
}

// text writes a message of JSON and hangs up.
func text(msg string) func(*Conn) {
	return func(c *Conn) {
		c.Frame(ws.OpText, []byte(msg))
		c.Frame(ws.OpClose, ws.NewCloseFrameBody(4000, ""))
		c.Leave()
	}
}

func dispatch(d string) string {
	return `{"op":0,"s":2,"t":"MESSAGE_CREATE","d":` + d + `}`
}

func texts() (all []Scenario) {
	for name, msg := range map[string]string{
		"nesting of a million":         dispatch(strings.Repeat("[", 1e6) + strings.Repeat("]", 1e6)),
		"keys twice":                   `{"op":0,"op":11,"s":2,"s":3,"t":"A","t":"B","d":{},"d":1}`,
		"a string over the limit":      dispatch(`"` + strings.Repeat("x", 5<<20) + `"`),
		"lone surrogates":              dispatch(`"\ud800\udfff\udc00"`),
		"a number of a million digits": dispatch(strings.Repeat("9", 1e6)),
		"s is 2^63":                    `{"op":0,"s":9223372036854775808,"t":"A","d":{}}`,
		"s is -1":                      `{"op":0,"s":-1,"t":"A","d":{}}`,
		"s is 11.0":                    `{"op":0,"s":11.0,"t":"A","d":{}}`,
		`s is "12"`:                    `{"op":0,"s":"12","t":"A","d":{}}`,
		"s is null":                    `{"op":0,"s":null,"t":"A","d":{}}`,
		"an unknown op":                `{"op":200,"d":{}}`,
		"no op":                        `{"s":2,"t":"A","d":{}}`,
		"op is a string":               `{"op":"0","d":{}}`,
		"no d":                         `{"op":0,"s":2,"t":"MESSAGE_CREATE"}`,
		"t is null":                    `{"op":0,"s":2,"t":null,"d":{}}`,
		"t of a mebibyte":              `{"op":0,"s":2,"t":"` + strings.Repeat("T", 1<<20) + `","d":{}}`,
		"no JSON":                      `]`,
		"an empty message":             ``,
	} {
		all = append(all, Scenario{Group: "JSON", Name: name, Active: text(msg)})
	}
	return all
}

// many writes a message many times.
func many(n int, msg string) func(*Conn) {
	return func(c *Conn) {
		b := c.pack([]byte(msg))
		times(n, append([]byte{0x81, byte(len(b))}, b...))(c)
	}
}

func protocol() (all []Scenario) {
	for _, interval := range []string{"0", "-1", "1", "1e18", "41250.5", "NaN", `"x"`} {
		all = append(all, Scenario{Group: "protocol", Name: "a heartbeat interval of " + interval, Upgraded: text(`{"op":10,"d":{"heartbeat_interval":` + interval + `}}`)})
	}
	all = append(all, Scenario{Group: "protocol", Name: "never Hello", Upgraded: (*Conn).Leave},
		Scenario{Group: "protocol", Name: "READY before Hello", Upgraded: text(`{"op":0,"s":1,"t":"READY","d":{"session_id":"early"}}`)},
		Scenario{Group: "protocol", Name: "Hello, and then nothing", Upgraded: func(c *Conn) { c.Hello(); c.Leave() }})
	ready := `{"op":0,"s":2,"t":"READY","d":{"session_id":"%s","resume_gateway_url":"%s"}}`
	for name, active := range map[string]func(*Conn){
		"Hello twice":                    text(`{"op":10,"d":{"heartbeat_interval":41250}}`),
		"READY twice":                    text(fmt.Sprintf(ready, "second", "")),
		"RESUMED without Resume":         text(`{"op":0,"s":2,"t":"RESUMED","d":{}}`),
		"op 7, 100,000 times":            many(1e5, `{"op":7}`),
		"op 9 true, 100,000 times":       many(1e5, `{"op":9,"d":true}`),
		"op 9 false, 100,000 times":      many(1e5, `{"op":9,"d":false}`),
		"op 1, 100,000 times":            many(1e5, `{"op":1}`),
		"op 11, 100,000 times":           many(1e5, `{"op":11}`),
		"a sequence number that jumps":   text(`{"op":0,"s":5000,"t":"MESSAGE_CREATE","d":{}}`),
		"a sequence number that repeats": text(`{"op":0,"s":1,"t":"MESSAGE_CREATE","d":{}}`),
		"a session id of a mebibyte":     text(fmt.Sprintf(ready, strings.Repeat("s", 1<<20), "")),
		"an empty session id":            text(fmt.Sprintf(ready, "", "")),
		"a resume URL of http":           text(fmt.Sprintf(ready, "x", "http://elsewhere.test")),
		"a resume URL of another host":   text(fmt.Sprintf(ready, "x", "wss://elsewhere.test")),
		"a resume URL of garbage":        text(fmt.Sprintf(ready, "x", ":%zz")),
		"members chunks without end":     many(1e5, `{"op":0,"s":1,"t":"GUILD_MEMBERS_CHUNK","d":{}}`),
	} {
		all = append(all, Scenario{Group: "protocol", Name: name, Active: active})
	}
	return all
}
