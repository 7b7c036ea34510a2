package typed_test

import (
	"context"
	"fmt"

	goccy "github.com/goccy/go-json"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/sharding"
)

// The handler takes a struct of its own, which another library decodes. The Unmarshal of
// bytedance/sonic fits as it is; that of encoding/json/v2 has options, and needs a
// function around it.
func Example() {
	group, err := sharding.NewGroup("token", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	type message struct {
		Content string `json:"content"`
	}
	unmarshal := func(data []byte, v any) error { return goccy.Unmarshal(data, v) }
	remove, err := sharding.HandleWith(group, event.MessageCreate, unmarshal,
		func(_ context.Context, shard gateway.ShardID, m *message) error {
			fmt.Println(shard, m.Content)
			return nil
		})
	fmt.Println(remove != nil, err)
	// Output: true <nil>
}
