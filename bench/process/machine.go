package process

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// Machine describes where and with what figures are made: a line about the
// machine, and one with the versions of the modules that are named.
func Machine(modules ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %d cores, %s/%s, %s, %s.\n", processor(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH,
		runtime.Version(), time.Now().UTC().Format("2006-01-02"))
	if versions := versions(modules); versions != "" {
		fmt.Fprintf(&b, "%s.\n", versions)
	}
	return b.String()
}

// processor returns the name of the processor where there is a /proc.
func processor() string {
	file, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return "unknown processor"
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if key, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown processor"
}

// versions lists those of the modules that are part of the program.
func versions(modules []string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	var list []string
	for _, m := range info.Deps {
		if slices.Contains(modules, m.Path) {
			list = append(list, m.Path+" "+m.Version)
		}
	}
	return strings.Join(list, ", ")
}
