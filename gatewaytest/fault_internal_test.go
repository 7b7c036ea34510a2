package gatewaytest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestFaultDurationsOfOneLength(t *testing.T) {
	f, err := faultRequest{Fault: Fault{Kind: Drip}, For: "7ms", Every: "7ms", Next: 1}.fault()
	require.NoError(t, err)
	require.Equal(t, 7*time.Millisecond, f.Every)
	require.Equal(t, 7*time.Millisecond, f.For)
}
