package main

import (
	"context"
	"fmt"
	"net/netip"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// ours is the contender that the others are compared with.
const ours = "Runnel"

// contender is a server that can be put under test.
type contender struct {
	name    string // in flags and tables
	what    string
	version []string // the command that prints its version
	build   []string // the command that builds it, if it is built
	// command returns what starts it at addr.
	command func(addr netip.AddrPort) *exec.Cmd
}

// with is the contender, started with more arguments.
func (c contender) with(args ...string) contender {
	command := c.command
	c.command = func(addr netip.AddrPort) *exec.Cmd {
		cmd := command(addr)
		cmd.Args = append(cmd.Args, args...)
		return cmd
	}
	return c
}

// contenders are all servers. They are built into dir; root is the repository,
// and binary a Runnel that is there already, if it is not empty.
func contenders(ctx context.Context, root, dir, binary string) []contender {
	runnel, gosse := filepath.Join(dir, "runnel"), filepath.Join(dir, "gosse")
	module, script := filepath.Join(root, "bench"), filepath.Join(root, "bench", "node-seed", "server.mjs")
	all := []contender{
		{
			name: ours, what: "`runnel dev`, log in memory",
			version: []string{"git", "-C", root, "describe", "--always", "--dirty", "--exclude=*"},
			build:   []string{"go", "build", "-C", root, "-o", runnel, "./cmd/runnel"},
			command: func(addr netip.AddrPort) *exec.Cmd {
				return exec.CommandContext(ctx, runnel, "dev", "--addr", addr.String(), "--control-addr", "127.0.0.1:0")
			},
		},
		{
			name: "go-sse", what: "its Joe, no replay: `bench/rivals/gosse`",
			version: []string{"go", "list", "-C", module, "-m", "-f", "{{.Version}}", "github.com/tmaxmax/go-sse"},
			build:   []string{"go", "build", "-C", module, "-o", gosse, "./rivals/gosse"},
			command: func(addr netip.AddrPort) *exec.Cmd {
				return exec.CommandContext(ctx, gosse, addr.String())
			},
		},
		{
			name: "Node.js", what: "a `Map` of `Set`s of responses: `bench/node-seed`",
			version: []string{"node", "--version"},
			command: func(addr netip.AddrPort) *exec.Cmd {
				return exec.CommandContext(ctx, "node", script, strconv.Itoa(int(addr.Port())))
			},
		},
	}
	if binary != "" {
		runnel, all[0].version, all[0].build = binary, []string{"echo", "of", filepath.Base(binary)}, nil
	}
	return all
}

// prepare builds the contenders and asks for their versions.
func prepare(ctx context.Context, cs []contender) (versions map[string]string, err error) {
	versions = map[string]string{}
	for _, c := range cs {
		version, err := output(ctx, c.version)
		if err != nil {
			return nil, fmt.Errorf("%s cannot be measured here: %w", c.name, err)
		}
		versions[c.name] = version
		if len(c.build) == 0 {
			continue
		}
		if _, err := output(ctx, c.build); err != nil {
			return nil, fmt.Errorf("building %s: %w", c.name, err)
		}
	}
	return versions, nil
}

// output runs a command and returns what it prints.
func output(ctx context.Context, command []string) (string, error) {
	out, err := exec.CommandContext(ctx, command[0], command[1:]...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", strings.Join(command, " "), err, out)
	}
	return strings.TrimSpace(string(out)), nil
}
