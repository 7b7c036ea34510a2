package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"sync"

	"github.com/discordpkg/gateway/sharding"
)

// A rawWriter writes events as lines of JSON. It is safe for concurrent use.
type rawWriter struct {
	mu   sync.Mutex // guards what follows
	w    io.Writer
	line bytes.Buffer
	err  error // the first, after which nothing is written
}

// write writes one event, and keeps nothing of it.
func (r *rawWriter) write(e sharding.Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return r.err
	}
	name, err := json.Marshal(string(e.Name))
	if err == nil {
		err = r.fill(e, name)
	}
	if err == nil {
		_, err = r.w.Write(r.line.Bytes())
	}
	if err != nil {
		r.err = fmt.Errorf("write event %s: %w", name, err)
	}
	return r.err
}

// fill makes the line. Data may hold line breaks between its tokens.
func (r *rawWriter) fill(e sharding.Event, name []byte) error {
	r.line.Reset()
	b := strconv.AppendUint(append(r.line.AvailableBuffer(), `{"shard":`...), uint64(e.Shard), 10)
	b = strconv.AppendInt(append(b, `,"seq":`...), e.Seq, 10)
	b = append(append(append(b, `,"t":`...), name...), `,"d":`...)
	r.line.Write(b)
	if len(e.Data) == 0 {
		r.line.WriteString("null")
	} else if err := json.Compact(&r.line, e.Data); err != nil {
		return err
	}
	r.line.WriteString("}\n")
	return nil
}
