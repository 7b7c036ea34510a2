package report

import (
	"fmt"
	"io"
	"os"
)

// Ratio returns a as so many times b, and nothing if b is not known.
func Ratio(a, b float64) string {
	if b <= 0 {
		return ""
	}
	return Short(a/b) + "x"
}

// Short returns v with three digits or so.
func Short(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}

// Write writes a report to out, and to a file if it has a name.
func Write(out io.Writer, file, text string) error {
	if _, err := io.WriteString(out, text); err != nil || file == "" {
		return err
	}
	return os.WriteFile(file, []byte(text), 0o644) //nolint:gosec // for everyone to read
}
