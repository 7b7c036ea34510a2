package readme

import (
	"io"
	"time"

	"github.com/discordpkg/gateway"
)

// read gives a message of any websocket library to the state of its connection.
func read(state *gateway.GatewayState, message io.Reader, text, close io.Writer, handle func(*gateway.GatewayPayload)) error {
	state.Advance(time.Now())
	payload, redundant, err := state.ProcessNextMessage(message, text, close)
	if err != nil {
		return err // the connection is over
	}
	if !redundant {
		handle(payload) // an event that the options want
	}
	return nil
}

// tick is called at state.NextDeadline(), or earlier.
func tick(state *gateway.GatewayState, text, close io.Writer) error {
	return state.HandleTimeout(time.Now(), text, close)
}
