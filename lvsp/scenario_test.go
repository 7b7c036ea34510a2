package lvsp_test

import (
	"testing"

	"github.com/discordpkg/gateway/internal/golden"
)

func TestScenarios(t *testing.T) {
	golden.Scenarios(t, func(t *testing.T) func(string) string { return newHarness(t).run })
}
