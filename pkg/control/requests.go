package control

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/runnel-sse/runnel/pkg/auth"
	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/command"
	"github.com/runnel-sse/runnel/pkg/problem"
)

const (
	maxBody   = 32 << 10 // bytes of a request: the names of 2 × 64 channels
	maxTicket = 4 << 10  // bytes of a ticket's channels: it has to fit into a URL
)

// ticketRequest is the body of POST /ticket.
type ticketRequest struct {
	Channels []string `json:"channels"`
	Single   bool     `json:"single"` // good for one connection
}

// ticketAnswer is what it gives.
type ticketAnswer struct {
	Ticket  string    `json:"ticket"`
	Expires time.Time `json:"expires"`
}

func (c *Control) ticket(r *http.Request) (answer, error) {
	p, err := c.holder(r)
	if err != nil {
		return answer{}, err
	}
	var q ticketRequest
	if err := readJSON(r, &q); err != nil {
		return answer{}, err
	}
	if len(q.Channels) == 0 {
		return answer{}, malformed("channels: name at least one")
	}
	chs, err := c.readable(p, q.Channels)
	if err != nil {
		return answer{}, err
	}
	if size := len(strings.Join(q.Channels, "")); size > maxTicket {
		return answer{}, malformed(fmt.Sprintf("channels: their names have %d bytes, at most %d go into a ticket: ask for several", size, maxTicket))
	}
	ticket, expires, err := c.cfg.Guard.Ticket(p, chs, q.Single)
	if err != nil {
		return answer{}, fmt.Errorf("control: %w", err)
	}
	return answer{http.StatusOK, ticketAnswer{ticket, expires.UTC()}}, nil
}

// renewRequest is the body of POST /renew.
type renewRequest struct {
	Connection string   `json:"connection"`
	Add        []string `json:"add"`
	Remove     []string `json:"remove"`
}

// accepted says that a process was told. What it makes of that, its stream says.
type accepted struct {
	Expires *time.Time `json:"expires,omitempty"` // of the token
}

// renew tells the process of a connection that its reader has a fresh token.
// Whether that is of the same subject only the process knows.
func (c *Control) renew(r *http.Request) (answer, error) {
	p, err := c.holder(r)
	if err != nil {
		return answer{}, err
	}
	var q renewRequest
	if err := readJSON(r, &q); err != nil {
		return answer{}, err
	}
	cmd := command.Command{Type: command.Renew, Connection: q.Connection, Subject: p.Subject, Expires: p.Expires.UTC()}
	if cmd.Mailbox().IsZero() {
		return answer{}, noConnection()
	}
	add, err := c.readable(p, q.Add)
	if err != nil {
		return answer{}, err
	}
	remove, err := c.parse(q.Remove)
	if err != nil {
		return answer{}, err
	}
	cmd.Add, cmd.Remove = names(add), names(remove)
	cmd.Channels, cmd.Claims = c.says(p)
	if err := c.mail.post(r.Context(), cmd.Mailbox(), cmd.Event("renew "+rand.Text())); err != nil {
		return answer{}, err
	}
	a := accepted{}
	if !p.Expires.IsZero() {
		a.Expires = &cmd.Expires
	}
	return answer{http.StatusAccepted, a}, nil
}

// says is what policies ask of a token beside its subject.
func (c *Control) says(p auth.Principal) (patterns []string, claims map[string]string) {
	for _, pattern := range p.Channels {
		patterns = append(patterns, pattern.String())
	}
	for _, s := range c.cfg.Catalog.Streams {
		if v, ok := p.Claims[s.Owner.Claim]; ok {
			if claims == nil {
				claims = map[string]string{}
			}
			claims[s.Owner.Claim] = v
		}
	}
	return patterns, claims
}

// goodbye ends the connection whose id is the body, as text or as a member of a
// JSON object: a page that is going away sends it as a beacon, with neither
// token nor preflight. To know the id is the right to end it, and cookies, which
// a beacon always brings, are not looked at.
func (c *Control) goodbye(r *http.Request) (answer, error) {
	body, err := readBody(r)
	if err != nil {
		return answer{}, err
	}
	cmd := command.Command{Type: command.Goodbye, Connection: string(bytes.TrimSpace(body))}
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) {
		var q struct {
			Connection string `json:"connection"`
		}
		if err := json.Unmarshal(body, &q); err != nil {
			return answer{}, malformed("the body is not a JSON object")
		}
		cmd.Connection = q.Connection
	}
	if cmd.Mailbox().IsZero() {
		return answer{}, noConnection()
	}
	// Said twice, it is there once.
	if err := c.mail.post(r.Context(), cmd.Mailbox(), cmd.Event("goodbye "+cmd.Connection)); err != nil {
		return answer{}, err
	}
	return answer{http.StatusAccepted, accepted{}}, nil
}

func noConnection() error {
	return malformed("connection: want the id that the stream's first event gives")
}

func malformed(detail string) error {
	return problem.Problem{Status: http.StatusBadRequest, Code: "malformed-body", Detail: detail}
}

// parse returns the channels, no two alike.
func (c *Control) parse(names []string) ([]channel.Name, error) {
	var chs []channel.Name
	for _, name := range names {
		ch, err := channel.Parse(name)
		if err != nil {
			return nil, fmt.Errorf("control: %w", err)
		}
		if !slices.Contains(chs, ch) {
			chs = append(chs, ch)
		}
		if len(chs) > c.cfg.MaxChannels {
			return nil, problem.Problem{
				Status: http.StatusBadRequest, Code: "too-many-channels",
				Detail: fmt.Sprintf("at most %d channels are allowed", c.cfg.MaxChannels),
			}
		}
	}
	return chs, nil
}

func names(chs []channel.Name) []string {
	var list []string
	for _, ch := range chs {
		list = append(list, ch.String())
	}
	return list
}

func readBody(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(r.Body)
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		return nil, problem.Problem{Status: http.StatusRequestEntityTooLarge, Code: "too-large", Detail: fmt.Sprintf("at most %d bytes are allowed", tooLarge.Limit)}
	}
	if err != nil {
		return nil, malformed("the body broke off")
	}
	return body, nil
}

// readJSON reads a body that says that it is JSON: no page of another site can
// send that without a preflight, whatever cookies it has the browser add.
func readJSON(r *http.Request, into any) error {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/json" {
		return problem.Problem{Status: http.StatusUnsupportedMediaType, Code: "media-type", Detail: "want Content-Type: application/json"}
	}
	body, err := readBody(r)
	if err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil || dec.More() {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) && wrong.Field != "" {
			return malformed(fmt.Sprintf("%s: want %s, not %s", wrong.Field, wrong.Type, wrong.Value))
		}
		return malformed("the body is not the JSON object that is wanted here, see docs/protocol.md")
	}
	return nil
}

func writeJSON(w http.ResponseWriter, a answer) {
	body, _ := json.Marshal(a.body) // structs of strings, numbers and times: cannot fail
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(a.status)
	_, _ = w.Write(append(body, '\n')) // a client that has left needs no answer
}
