package wire

import (
	"encoding/json"
	"strconv"
)

// AppendMessage appends what a client sends, {"op":op,"d":data}, to dst. The
// data must be one JSON value, see [Valid]; if it is empty, null is sent.
func AppendMessage(dst []byte, op uint, data []byte) []byte {
	dst = append(dst, `{"op":`...)
	return appendData(dst, op, data)
}

// AppendControl appends what a server sends besides dispatches to dst:
// {"t":null,"s":null,"op":op,"d":data}, with data as for [AppendMessage].
func AppendControl(dst []byte, op uint, data []byte) []byte {
	dst = append(dst, `{"t":null,"s":null,"op":`...)
	return appendData(dst, op, data)
}

// AppendDispatch appends what a server sends for an event to dst:
// {"t":event,"s":seq,"op":0,"d":data}, with data as for [AppendMessage].
func AppendDispatch(dst []byte, seq int64, event string, data []byte) []byte {
	dst = append(dst, `{"t":`...)
	dst = appendString(dst, event)
	dst = append(dst, `,"s":`...)
	dst = strconv.AppendInt(dst, seq, 10)
	dst = append(dst, `,"op":`...)
	return appendData(dst, 0, data)
}

func appendData(dst []byte, op uint, data []byte) []byte {
	dst = strconv.AppendUint(dst, uint64(op), 10)
	dst = append(dst, `,"d":`...)
	if len(data) == 0 {
		dst = append(dst, "null"...)
	} else {
		dst = append(dst, data...)
	}
	return append(dst, '}')
}

func appendString(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x80 {
			quoted, _ := json.Marshal(s) // strings never fail
			return append(dst, quoted...)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}
