package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// How keys are fetched. A request waits fetchTime at most, and at most one fetch
// a fetchPause is made, whatever tokens come.
const (
	fetchTime   = 3 * time.Second
	fetchPause  = 30 * time.Second
	firstPause  = 5 * time.Second // while there is no key at all
	maxKeySet   = 256 << 10       // bytes
	defaultKept = 15 * time.Minute
	minKept     = time.Minute
	maxKept     = time.Hour
)

// remote holds the keys that an issuer publishes. It fetches them when a token
// needs them and never by a timer: a Lambda between two requests has no time.
// Keys that it has go on when the issuer cannot be reached, however long.
type remote struct {
	url    string
	client *http.Client
	logger *slog.Logger
	gripe  seldom

	ctx    context.Context // of every fetch; ends by close
	cancel context.CancelFunc
	wg     sync.WaitGroup // of the fetch under way

	mu     sync.Mutex
	keys   []key         // guarded by mu; nil before the first fetch that succeeds
	renew  time.Time     // guarded by mu; from here on a request starts a fetch
	stale  time.Time     // guarded by mu; from here on it waits for it too
	tried  time.Time     // guarded by mu; when the newest fetch began
	flight chan struct{} // guarded by mu; closed when the fetch under way ends, nil without one
	closed bool          // guarded by mu
}

func newRemote(address string, client *http.Client, logger *slog.Logger) (*remote, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return nil, errors.New("JWKSURL must be a URL such as https://issuer.example.com/.well-known/jwks.json, without a user")
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return nil, errors.New("JWKSURL must begin with https://: whoever can change the answer can sign tokens (http is for this machine)")
	}
	if client == nil {
		client = &http.Client{}
	}
	own := *client
	own.Jar = nil
	// An answer from elsewhere is another issuer's word.
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	r := &remote{url: address, client: &own, logger: logger}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	return r, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// get returns the issuer's keys. It waits for a fetch, for a short time, when
// there are none, when they are stale, or when the token names one that is not
// among them; what it returns then need not have it.
func (r *remote) get(ctx context.Context, alg, kid string) ([]key, error) {
	r.mu.Lock()
	now := time.Now()
	_, known := find(alg, kid, r.keys)
	wait := r.keys == nil || !known && kid != "" || !now.Before(r.stale)
	if wait || !now.Before(r.renew) {
		r.start(now)
	}
	flight := r.flight
	r.mu.Unlock()

	if wait && flight != nil {
		limit := time.NewTimer(fetchTime)
		defer limit.Stop()
		select {
		case <-flight:
		case <-limit.C:
		case <-ctx.Done():
		}
	}

	r.mu.Lock()
	defer r.mu.Unlock()
	if r.keys == nil {
		return nil, fmt.Errorf("auth: %w: the issuer's keys could not be fetched", ErrUnavailable)
	}
	return r.keys, nil
}

// start begins a fetch, unless one is under way or was a short while ago. The
// caller holds mu.
func (r *remote) start(now time.Time) {
	pause := fetchPause
	if r.keys == nil {
		pause = firstPause
	}
	if r.closed || r.flight != nil || !r.tried.IsZero() && now.Sub(r.tried) < pause {
		return
	}
	flight := make(chan struct{})
	r.tried, r.flight = now, flight
	r.wg.Go(func() {
		keys, kept, err := r.fetch()
		r.mu.Lock()
		if err == nil {
			r.keys, r.stale, r.renew = keys, now.Add(kept), now.Add(kept*3/4)
		}
		r.flight = nil
		r.mu.Unlock()
		close(flight)
		if err != nil && r.ctx.Err() == nil && r.gripe.pass(time.Now()) {
			r.logger.LogAttrs(r.ctx, slog.LevelWarn, "the issuer's keys could not be fetched: the ones that are known go on, new ones are refused",
				slog.String("error", err.Error()))
		}
	})
}

// fetch asks once. kept is for how long the answer is good.
func (r *remote) fetch() (keys []key, kept time.Duration, err error) {
	ctx, cancel := context.WithTimeout(r.ctx, fetchTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url, nil)
	if err != nil {
		return nil, 0, fmt.Errorf("auth: fetching keys: %w", err)
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	res, err := r.client.Do(req)
	if err != nil {
		return nil, 0, fmt.Errorf("auth: fetching keys: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, 0, fmt.Errorf("auth: fetching keys: status %d, want 200 (redirects are not followed)", res.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxKeySet+1))
	if err != nil {
		return nil, 0, fmt.Errorf("auth: fetching keys: %w", err)
	}
	if len(body) > maxKeySet {
		return nil, 0, fmt.Errorf("auth: fetching keys: more than %d bytes", maxKeySet)
	}
	public, err := ParseKeySet(body)
	if err != nil {
		return nil, 0, err
	}
	keys, err = bindAll(public)
	return keys, keptFor(res.Header.Get("Cache-Control")), err
}

// keptFor reads max-age, and holds it to what lets a withdrawn key go in time.
func keptFor(cacheControl string) time.Duration {
	for directive := range strings.SplitSeq(cacheControl, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		if n, err := strconv.Atoi(value); err == nil && strings.EqualFold(name, "max-age") {
			return min(max(time.Duration(min(n, int(maxKept/time.Second)))*time.Second, minKept), maxKept)
		}
	}
	return defaultKept
}

// close ends the fetch under way, and waits for its goroutine.
func (r *remote) close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.cancel()
	r.wg.Wait()
}
