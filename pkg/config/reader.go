package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/cors"
)

// reader looks variables up and collects what is wrong with them.
type reader struct {
	getenv Getenv
	faults []error
}

func (r *reader) err() error { return errors.Join(r.faults...) }

func (r *reader) fault(name, value, want string) {
	r.faults = append(r.faults, fmt.Errorf("%s=%q: want %s", name, value, want))
}

func (r *reader) required(name string) string {
	v := r.getenv(name)
	if v == "" {
		r.faults = append(r.faults, fmt.Errorf("%s: not set", name))
	}
	return v
}

func (r *reader) tables() Tables {
	return Tables{EventLog: r.required("EVENT_LOG_TABLE"), Subscribers: r.required("SUBSCRIBERS_TABLE")}
}

func (r *reader) duration(name string, def, low, high time.Duration) time.Duration {
	v := r.getenv(name)
	if v == "" {
		return def
	}
	d, err := time.ParseDuration(v)
	if err != nil || d < low || d > high {
		r.fault(name, v, fmt.Sprintf("a duration from %v to %v, such as %v", low, high, def))
		return def
	}
	return d
}

func (r *reader) integer(name string, def, low, high int) int {
	v := r.getenv(name)
	if v == "" {
		return def
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < low || n > high {
		r.fault(name, v, fmt.Sprintf("a number from %d to %d, such as %d", low, high, def))
		return def
	}
	return n
}

func (r *reader) address(name, def string) string {
	v := r.getenv(name)
	if v == "" {
		return def
	}
	_, port, err := net.SplitHostPort(v)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		r.fault(name, v, "host:port, such as "+def)
		return def
	}
	return v
}

// origins reads a list of origins, as package cors has it.
func (r *reader) origins(name string) []string {
	v := r.getenv(name)
	if v == "" {
		return nil
	}
	var list []string
	for text := range strings.SplitSeq(v, ",") {
		text = strings.TrimSpace(text)
		if cors.Check(text) != nil {
			r.fault(name, text, "an origin such as https://app.example.com or https://*.example.com, or *")
			continue
		}
		list = append(list, text)
	}
	return list
}

// names reads a list of names of streams.
func (r *reader) names(name string) []string {
	v := r.getenv(name)
	if v == "" {
		return nil
	}
	var list []string
	for text := range strings.SplitSeq(v, ",") {
		text = strings.TrimSpace(text)
		if _, err := channel.New(text, "all"); err != nil || slices.Contains(list, text) {
			r.fault(name, text, "names of streams, each once, with commas between, such as CommentStream,PriceStream")
			continue
		}
		list = append(list, text)
	}
	return list
}

// header reads the name of an HTTP header.
func (r *reader) header(name string) string {
	v := r.getenv(name)
	if strings.ContainsFunc(v, func(c rune) bool {
		return !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-')
	}) {
		r.fault(name, v, "the name of a header, such as X-Forwarded-For")
		return ""
	}
	return v
}

func (r *reader) level(name string) slog.Level {
	v := r.getenv(name)
	if v == "" {
		return slog.LevelInfo
	}
	var l slog.Level
	if err := l.UnmarshalText([]byte(v)); err != nil {
		r.fault(name, v, "DEBUG, INFO, WARN or ERROR")
		return slog.LevelInfo
	}
	return l
}
