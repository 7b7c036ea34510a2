package etf_test

import (
	"fmt"
	"math"

	"github.com/discordpkg/gateway/etf"
)

func Example() {
	var codec etf.Codec
	heartbeat, err := codec.AppendWire(nil, []byte(`{"op":1,"d":251}`))
	if err != nil {
		panic(err)
	}
	fmt.Printf("% x\n", heartbeat)

	op, _, _, data, err := codec.Split(heartbeat)
	if err != nil {
		panic(err)
	}
	text, err := codec.AppendJSON(nil, data, math.MaxInt)
	if err != nil {
		panic(err)
	}
	fmt.Println(op, string(text))
	// Output:
	// 83 74 00 00 00 02 6d 00 00 00 02 6f 70 61 01 6d 00 00 00 01 64 61 fb
	// 1 251
}

func ExampleUnmarshal() {
	msg, err := etf.Marshal(map[string]any{"id": "1180000000000000000", "since": int64(1795246000000)})
	if err != nil {
		panic(err)
	}
	var presence struct {
		ID    string `json:"id"`
		Since int64  `json:"since"`
	}
	if err := etf.Unmarshal(msg, &presence); err != nil {
		panic(err)
	}
	fmt.Println(presence.ID, presence.Since)
	// Output: 1180000000000000000 1795246000000
}
