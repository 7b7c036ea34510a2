package compress_test

import (
	"fmt"

	"github.com/discordpkg/gateway/compress"
)

func Example() {
	server, client := compress.NewZlibStreamWriter(), compress.NewZlibStream()
	defer server.Close()

	var wire, message []byte
	for _, payload := range []string{`{"op":10,"d":{"heartbeat_interval":41250}}`, `{"op":11}`} {
		var complete bool
		var err error
		if wire, err = server.Compress(wire[:0], []byte(payload)); err != nil {
			panic(err)
		}
		if message, complete, err = client.Decompress(message[:0], wire, 1<<20); err != nil {
			panic(err)
		}
		fmt.Println(complete, string(message))
	}
	// Output:
	// true {"op":10,"d":{"heartbeat_interval":41250}}
	// true {"op":11}
}
