package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// The server under test has one core, the generator the other.
const (
	serverCore    = 0
	generatorCore = 1
)

// process is a running contender.
type process struct {
	addr   netip.AddrPort
	cmd    *exec.Cmd
	output *bytes.Buffer
	exited chan struct{}
}

// start starts the contender on its core and waits until it takes connections.
func start(ctx context.Context, c contender) (*process, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	p := &process{addr: addr, cmd: c.command(addr), output: &bytes.Buffer{}, exited: make(chan struct{})}
	p.cmd.Stderr = p.output
	p.cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "NODE_ENV=production")
	// A child inherits the affinity of the thread that starts it.
	if err := onCore(serverCore, p.cmd.Start); err != nil {
		return nil, fmt.Errorf("starting %s: %w", c.name, err)
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.exited)
	}()
	for deadline := time.Now().Add(10 * time.Second); ; {
		conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", addr.String())
		if err == nil {
			return p, conn.Close()
		}
		select {
		case <-p.exited:
			return nil, fmt.Errorf("%s ended at once: %s", c.name, p.output)
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			p.stop()
			return nil, fmt.Errorf("%s takes no connections: %w: %s", c.name, err, p.output)
		}
	}
}

func (p *process) stop() {
	_ = p.cmd.Process.Kill()
	<-p.exited
}

// rss is the resident memory, in bytes.
func (p *process) rss() (int, error) {
	status, err := os.ReadFile(p.proc("status"))
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(status), "VmRSS:")
	fields := strings.Fields(after)
	if len(fields) == 0 {
		return 0, fmt.Errorf("no VmRSS in %s", p.proc("status"))
	}
	kib, err := strconv.Atoi(fields[0])
	return kib << 10, err
}

// cpu is the processor time used so far, to 10 ms.
func (p *process) cpu() (time.Duration, error) {
	stat, err := os.ReadFile(p.proc("stat"))
	if err != nil {
		return 0, err
	}
	// The second field is a name in parentheses; user and system time are the
	// fields 14 and 15, in hundredths of a second.
	_, after, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(after)
	if len(fields) < 13 {
		return 0, fmt.Errorf("%d fields in %s", len(fields), p.proc("stat"))
	}
	user, err := strconv.Atoi(fields[11])
	if err != nil {
		return 0, err
	}
	system, err := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond, err
}

func (p *process) proc(file string) string {
	return filepath.Join("/proc", strconv.Itoa(p.cmd.Process.Pid), file)
}

func freeAddr() (netip.AddrPort, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return netip.AddrPort{}, err
	}
	return netip.MustParseAddrPort(l.Addr().String()), l.Close()
}

// onCore runs do on a thread that is bound to the core, and gives the thread
// back to the generator's.
func onCore(core int, do func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := bind(0, core); err != nil {
		return err
	}
	err := do()
	if back := bind(0, generatorCore); err == nil {
		err = back
	}
	return err
}

// bindAll binds every thread of this process to the core; threads that are made
// later inherit it.
func bindAll(core int) error {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, thread := range threads {
		id, err := strconv.Atoi(thread.Name())
		if err != nil {
			return err
		}
		if err := bind(id, core); err != nil {
			return err
		}
	}
	return nil
}

func bind(thread, core int) error {
	var set unix.CPUSet
	set.Set(core)
	if err := unix.SchedSetaffinity(thread, &set); err != nil {
		return fmt.Errorf("binding to core %d: %w", core, err)
	}
	return nil
}

// ownCPU is the processor time that the generator has used.
func ownCPU() time.Duration {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
