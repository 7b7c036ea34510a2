package interop

import (
	"context"
	"flag"
	"os"
	"testing"
	"time"
)

// TestMain lets more tests run at once than there are processors: they spend
// their time in the pauses of foreign reconnects.
func TestMain(m *testing.M) {
	flag.Parse()
	_ = flag.Set("test.parallel", "16") // the flag exists
	os.Exit(m.Run())
}

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 75*time.Second)
	t.Cleanup(cancel)
	return ctx
}
