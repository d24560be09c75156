package dynamo_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go/logging"
)

var faultSeed = flag.Uint64("faults.seed", 0, "of the injected faults; 0 draws one, and a failure says which")

// faulty stands between the SDK and a real endpoint and does to a request what
// DynamoDB and the network do.
type faulty struct {
	next http.RoundTripper
	// spare lets the last attempt of a call of the SDK through, but for what the
	// SDK does not try again: then its retries are enough to come to an answer.
	spare bool
	rate  float64 // of requests that meet a fault

	mu     sync.Mutex
	script []string       // what the first transactions meet, before anything is drawn; guarded by mu
	random *rand.Rand     // guarded by mu
	met    map[string]int // how often which fault came; guarded by mu
}

// through returns a client like the given one whose every request may meet a
// fault. Where the SDK retries, it does so at once. who tells apart the clients of
// one test. The seed is logged if the test fails.
func through(t *testing.T, client *dynamodb.Client, seed uint64, who int, spare bool) (*dynamodb.Client, *faulty) {
	t.Helper()
	h := fnv.New64()
	_, _ = fmt.Fprint(h, t.Name(), who) // never fails
	f := &faulty{
		next: http.DefaultTransport, spare: spare, rate: 0.25,
		random: rand.New(rand.NewPCG(seed, h.Sum64())), met: map[string]int{},
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("repeat it with -faults.seed=%d; client %d met %v", seed, who, f.counts())
		}
	})
	o := client.Options()
	o.Logger = logging.Nop{}
	o.HTTPClient = &http.Client{Transport: f}
	o.Retryer = aws.NopRetryer{}
	if spare {
		o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxBackoff, o.RateLimiter = 10*time.Millisecond, ratelimit.None
		})
	}
	return dynamodb.New(o), f
}

// newSeed draws the seed of a test, unless it was given.
func newSeed() uint64 {
	if *faultSeed != 0 {
		return *faultSeed
	}
	return 1 + rand.Uint64N(1<<32)
}

func (f *faulty) counts() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return fmt.Sprint(f.met)
}

// draw names the fault that the request meets, or none.
func (f *faulty) draw(op string, last bool) string {
	all := []string{"slow"}
	if !(f.spare && last) {
		all = append(all, "reset", "ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded")
		if strings.HasPrefix(op, "Transact") || strings.HasPrefix(op, "Update") {
			all = append(all, "reset", "reset", "reset") // the fault that costs most
		}
	}
	switch op {
	case "TransactWriteItems":
		all = append(all, "cancelled", "cancelled")
	case "BatchGetItem":
		all = append(all, "unprocessed", "unprocessed")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if op == "TransactWriteItems" && len(f.script) > 0 {
		fault := f.script[0]
		f.script = f.script[1:]
		return fault
	}
	if f.random.Float64() >= f.rate {
		return ""
	}
	fault := all[f.random.IntN(len(all))]
	f.met[fault]++
	return fault
}

func (f *faulty) below(n int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.random.IntN(n)
}

func (f *faulty) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	_, op, _ := strings.Cut(req.Header.Get("X-Amz-Target"), ".")
	var attempt, most int
	_, _ = fmt.Sscanf(req.Header.Get("Amz-Sdk-Request"), "attempt=%d; max=%d", &attempt, &most) // zero without
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
		_ = req.Body.Close() // it was read to its end
		req.Body = io.NopCloser(bytes.NewReader(body))
	}
	switch fault := f.draw(op, attempt == most); fault {
	case "":
		return f.next.RoundTrip(req)
	case "slow":
		return f.slow(req)
	case "reset":
		return f.lose(req)
	case "cancelled":
		return f.cancel(req, body)
	case "unprocessed":
		return unprocessed(req, body)
	default:
		return answer(req, http.StatusBadRequest, map[string]any{"__type": "com.amazonaws.dynamodb.v20120810#" + fault, "message": "injected"})
	}
}

// slow lets an answer be late, so that those of others overtake it.
func (f *faulty) slow(req *http.Request) (*http.Response, error) {
	res, err := f.next.RoundTrip(req)
	timer := time.NewTimer(time.Duration(f.below(60)) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-req.Context().Done():
	}
	return res, err
}

// lose lets DynamoDB do what it is asked for, and the answer be lost.
func (f *faulty) lose(req *http.Request) (*http.Response, error) {
	res, err := f.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close() // nothing more is read
	if err != nil {
		return nil, err
	}
	return nil, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
}

// cancel says that one of the transaction's items was throttled.
func (f *faulty) cancel(req *http.Request, body []byte) (*http.Response, error) {
	var asked struct{ TransactItems []json.RawMessage }
	if err := json.Unmarshal(body, &asked); err != nil {
		return nil, err
	}
	type reason struct{ Code, Message string }
	reasons := make([]reason, len(asked.TransactItems))
	for i := range reasons {
		reasons[i] = reason{Code: "None"}
	}
	code := []string{"ThrottlingError", "ProvisionedThroughputExceeded", "TransactionConflict"}[f.below(3)]
	reasons[f.below(len(reasons))] = reason{Code: code, Message: "injected"}
	return answer(req, http.StatusBadRequest, map[string]any{
		"__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException", "Message": "injected", "CancellationReasons": reasons,
	})
}

// unprocessed is how a throttled BatchGetItem looks: a success without items.
func unprocessed(req *http.Request, body []byte) (*http.Response, error) {
	var asked struct{ RequestItems json.RawMessage }
	if err := json.Unmarshal(body, &asked); err != nil {
		return nil, err
	}
	return answer(req, http.StatusOK, map[string]any{"Responses": map[string]any{}, "UnprocessedKeys": asked.RequestItems})
}

func answer(req *http.Request, status int, body any) (*http.Response, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body:   io.NopCloser(bytes.NewReader(text)), ContentLength: int64(len(text)), Request: req,
	}, nil
}
