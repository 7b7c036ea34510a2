package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"sync"

	"github.com/discordpkg/gateway"
)

// A rawWriter writes events as lines of JSON. It is safe for concurrent use.
type rawWriter struct {
	mu   sync.Mutex // guards what follows
	w    io.Writer
	line bytes.Buffer
	err  error // the first, after which nothing is written
}

// write writes one event, and keeps nothing of it.
func (r *rawWriter) write(id gateway.ShardID, p *gateway.GatewayPayload) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return r.err
	}
	name, err := json.Marshal(string(p.EventName))
	if err == nil {
		err = r.fill(id, p, name)
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
func (r *rawWriter) fill(id gateway.ShardID, p *gateway.GatewayPayload, name []byte) error {
	r.line.Reset()
	b := strconv.AppendUint(append(r.line.AvailableBuffer(), `{"shard":`...), uint64(id), 10)
	b = strconv.AppendInt(append(b, `,"seq":`...), p.Seq, 10)
	b = append(append(append(b, `,"t":`...), name...), `,"d":`...)
	r.line.Write(b)
	if len(p.Data) == 0 {
		r.line.WriteString("null")
	} else if err := json.Compact(&r.line, p.Data); err != nil {
		return err
	}
	r.line.WriteString("}\n")
	return nil
}
