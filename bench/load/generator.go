package load

import (
	"errors"
	"fmt"
	"net/netip"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	publishers = 64  // events that can be under way to the server at once
	connecting = 128 // readers that can be connecting at once
	readBuffer = 256 << 10
	// Few, so that an event that falls due meanwhile waits for few reads.
	eventsPerWait = 64
)

// Generator is the readers and the publishers of one server. It belongs to one
// goroutine. Make one with New and close it.
type Generator struct {
	addr     unix.SockaddrInet4
	host     string
	epoll    int
	start    time.Time
	buf      []byte
	words    []word
	ready    [eventsPerWait]unix.EpollEvent
	readers  []reader
	pubs     []publisher
	free     []int // publishers that are not busy
	opening  int   // readers whose head has not come
	channels int
	seq      int // the next event's number

	tally *Result // what run counts into
	from  int     // the first event that it counts
}

type reader struct {
	fd     int
	wanted bool // its request is still to be sent
	stream stream
	got    int
	sum    uint64
}

// New prepares for the server at addr, an IPv4 address, and connects the
// publishers.
func New(addr netip.AddrPort) (*Generator, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("load: epoll: %w", err)
	}
	g := &Generator{
		addr:  unix.SockaddrInet4{Port: int(addr.Port()), Addr: addr.Addr().As4()},
		host:  addr.String(),
		epoll: epoll,
		start: time.Now(),
		buf:   make([]byte, readBuffer),
	}
	for i := range publishers {
		fd, err := g.dial(tag{publisherTag, i})
		if err != nil {
			g.Close()
			return nil, fmt.Errorf("load: connecting a publisher: %w", err)
		}
		g.pubs = append(g.pubs, publisher{fd: fd})
		g.free = append(g.free, i)
	}
	return g, nil
}

// Close closes all connections.
func (g *Generator) Close() {
	for _, r := range g.readers {
		if r.fd >= 0 {
			_ = unix.Close(r.fd)
		}
	}
	for _, p := range g.pubs {
		_ = unix.Close(p.fd)
	}
	_ = unix.Close(g.epoll)
}

// Connect opens readers, the i-th on channel i modulo channels, and returns how
// long it took until the last had its response's head.
func (g *Generator) Connect(readers, channels int, within time.Duration) (time.Duration, error) {
	begin := time.Now()
	g.channels = channels
	g.readers = make([]reader, 0, readers) // never grown: epoll knows places
	for {
		for g.opening < connecting && len(g.readers) < readers {
			i := len(g.readers)
			fd, err := g.dial(tag{readerTag, i})
			if err != nil {
				return 0, fmt.Errorf("load: connecting reader %d: %w", i, err)
			}
			g.readers = append(g.readers, reader{fd: fd, wanted: true})
			g.opening++
		}
		if g.opening == 0 {
			return time.Since(begin), nil
		}
		if time.Since(begin) > within {
			return 0, fmt.Errorf("load: %d of %d readers are open after %v", len(g.readers)-g.opening, readers, within)
		}
		if err := g.wait(100 * time.Millisecond); err != nil {
			return 0, err
		}
	}
}

// Idle reads whatever comes for that long and counts none of it.
func (g *Generator) Idle(d time.Duration) error {
	for end := time.Now().Add(d); ; {
		left := time.Until(end)
		if left <= 0 {
			return nil
		}
		if err := g.wait(left); err != nil {
			return err
		}
	}
}

// tag is what epoll knows of a connection.
type tag struct {
	kind  int32
	index int
}

const (
	readerTag int32 = iota
	publisherTag
)

// dial begins to connect; epoll says when it is done.
func (g *Generator) dial(t tag) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	if err = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err == nil {
		err = unix.Connect(fd, &g.addr)
	}
	if err == nil || errors.Is(err, unix.EINPROGRESS) {
		err = g.watch(unix.EPOLL_CTL_ADD, fd, t, unix.EPOLLOUT)
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

func (g *Generator) watch(op, fd int, t tag, events uint32) error {
	return unix.EpollCtl(g.epoll, op, fd, &unix.EpollEvent{Events: events, Fd: int32(t.index), Pad: t.kind})
}

// wait waits for connections to become ready, at most that long, and serves them.
func (g *Generator) wait(most time.Duration) error {
	// epoll_pwait2 knows nanoseconds; epoll_wait only milliseconds, which would
	// be in every latency.
	limit := unix.NsecToTimespec(max(0, most.Nanoseconds()))
	n, _, errno := unix.Syscall6(unix.SYS_EPOLL_PWAIT2, uintptr(g.epoll), uintptr(unsafe.Pointer(&g.ready[0])),
		eventsPerWait, uintptr(unsafe.Pointer(&limit)), 0, 0)
	if errno == unix.EINTR {
		return nil
	}
	if errno != 0 {
		return fmt.Errorf("load: epoll: %w", errno)
	}
	for _, e := range g.ready[:n] {
		var err error
		if e.Pad == publisherTag {
			err = g.servePublisher(int(e.Fd), e.Events)
		} else {
			err = g.serveReader(int(e.Fd), e.Events)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (g *Generator) servePublisher(i int, events uint32) error {
	p := &g.pubs[i]
	if events&unix.EPOLLOUT != 0 {
		return g.flush(i)
	}
	n, err := unix.Read(p.fd, g.buf)
	switch {
	case errors.Is(err, unix.EAGAIN):
		return nil
	case !p.busy:
		return g.redial(i) // a server may close an idle connection
	case err != nil:
		return fmt.Errorf("load: reading the answer to a publish: %w", err)
	case n == 0:
		return errors.New("load: the server closed the connection instead of answering a publish")
	}
	whole, err := p.answered(g.buf[:n])
	if err != nil {
		return fmt.Errorf("load: %w", err)
	}
	if whole {
		g.free = append(g.free, i)
	}
	return nil
}

// redial replaces the connection of publisher i.
func (g *Generator) redial(i int) error {
	_ = unix.Close(g.pubs[i].fd)
	fd, err := g.dial(tag{publisherTag, i})
	if err != nil {
		return fmt.Errorf("load: connecting a publisher: %w", err)
	}
	g.pubs[i].fd = fd
	return nil
}

// flush writes what publisher i has to write, and watches for what it needs next.
func (g *Generator) flush(i int) error {
	p := &g.pubs[i]
	n, err := unix.Write(p.fd, p.out)
	if err != nil && !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.ENOTCONN) {
		return fmt.Errorf("load: publishing: %w", err)
	}
	p.out = p.out[max(0, n):]
	events := uint32(unix.EPOLLIN)
	if len(p.out) > 0 {
		events |= unix.EPOLLOUT
	}
	return g.watch(unix.EPOLL_CTL_MOD, p.fd, tag{publisherTag, i}, events)
}

func (g *Generator) serveReader(i int, events uint32) error {
	r := &g.readers[i]
	if r.wanted {
		return g.ask(i, events)
	}
	n, err := unix.Read(r.fd, g.buf)
	if errors.Is(err, unix.EAGAIN) {
		return nil
	}
	now := time.Since(g.start)
	opened := r.stream.open()
	g.words = g.words[:0]
	if err == nil && n == 0 {
		err = errEnded
	}
	if err == nil {
		g.words, err = r.stream.feed(g.buf[:n], g.words)
	}
	if r.stream.open() && !opened {
		g.opening--
	}
	g.count(r, now)
	if err == nil {
		return nil
	}
	if !r.stream.open() || errors.Is(err, errDamage) {
		return fmt.Errorf("load: reader %d: %w", i, err)
	}
	_ = unix.Close(r.fd)
	r.fd = -1
	if g.tally != nil {
		g.tally.Cut++
	}
	return nil
}

// ask sends the reader's request.
func (g *Generator) ask(i int, events uint32) error {
	r := &g.readers[i]
	if events&(unix.EPOLLERR|unix.EPOLLHUP) != 0 {
		code, _ := unix.GetsockoptInt(r.fd, unix.SOL_SOCKET, unix.SO_ERROR)
		return fmt.Errorf("load: connecting reader %d: %w", i, unix.Errno(code))
	}
	request := "GET " + Path(i%g.channels) + " HTTP/1.1\r\nHost: " + g.host + "\r\nAccept: text/event-stream\r\n\r\n"
	// A new socket's buffer takes it whole.
	if _, err := unix.Write(r.fd, []byte(request)); err != nil {
		return fmt.Errorf("load: asking for reader %d: %w", i, err)
	}
	r.wanted = false
	return g.watch(unix.EPOLL_CTL_MOD, r.fd, tag{readerTag, i}, unix.EPOLLIN)
}

// count counts the records that one read has brought.
func (g *Generator) count(r *reader, now time.Duration) {
	if g.tally == nil || len(g.words) == 0 {
		return
	}
	g.tally.Reads++
	for _, w := range g.words {
		if w.seq() < g.from {
			continue
		}
		r.got++
		r.sum += w.check()
		g.tally.Delivered++
		g.tally.Latency.Add(now-w.due(), 1)
	}
	g.tally.last = now
}
