package voiceshard_test

import (
	"context"
	"fmt"

	"github.com/discordpkg/gateway/voiceshard"
)

// Record everybody into files that a player can lay over one another.
func ExampleRecorder() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var session *voiceshard.Session // from Voice.Join

	recorder := voiceshard.NewRecorder(voiceshard.RecordDir("recordings"))
	err := recorder.Record(ctx, session)
	fmt.Println("the recording ended:", err)
	if err := recorder.Close(); err != nil {
		fmt.Println(err)
	}
	for _, user := range recorder.Users() {
		fmt.Println("recorded", user)
	}
}
