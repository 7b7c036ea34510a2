package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A Checkout is another version of this repository, whose programs measure
// that version. Its orders and results must have the form that they have here.
type Checkout struct {
	Name    string // commit, or folder where git does not know one
	Program Program
	dir     string
}

// Build builds the package of the bench module, such as "./compare", in another
// checkout. The caller must Remove what it returns.
func Build(ctx context.Context, checkout, pkg string) (*Checkout, error) {
	dir, err := os.MkdirTemp("", "bench-against-")
	if err != nil {
		return nil, err
	}
	c := &Checkout{Name: version(ctx, checkout), Program: Program(filepath.Join(dir, filepath.Base(pkg))), dir: dir}
	build := exec.CommandContext(ctx, "go", "build", "-o", string(c.Program), pkg)
	build.Dir = filepath.Join(checkout, "bench")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return nil, errors.Join(fmt.Errorf("build %s in %s: %w", pkg, build.Dir, err), c.Remove())
	}
	return c, nil
}

// Remove removes the program.
func (c *Checkout) Remove() error { return os.RemoveAll(c.dir) }

// version names what is checked out.
func version(ctx context.Context, checkout string) string {
	out, err := exec.CommandContext(ctx, "git", "-C", checkout, "describe", "--always", "--dirty").Output()
	if err != nil {
		return filepath.Base(checkout)
	}
	return strings.TrimSpace(string(out))
}
