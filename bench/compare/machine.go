package main

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

// machine describes where and with what the figures were made.
func machine() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %d cores, %s/%s, %s, %s.\n", processor(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH,
		runtime.Version(), time.Now().UTC().Format("2006-01-02"))
	if versions := rivals(); versions != "" {
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

// rivals returns the versions of what is compared.
func rivals() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	compared := []string{
		"github.com/bwmarrin/discordgo", "github.com/disgoorg/disgo", "github.com/gobwas/ws", "github.com/klauspost/compress",
	}
	var versions []string
	for _, m := range info.Deps {
		if slices.Contains(compared, m.Path) {
			versions = append(versions, m.Path+" "+m.Version)
		}
	}
	return strings.Join(versions, ", ")
}
