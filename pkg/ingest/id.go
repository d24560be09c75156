package ingest

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/runnel-sse/runnel/pkg/eventlog"
)

// numbered is the id of a message's nth event (from 0) on one channel: the
// message's own for the first, since a channel knows its ids by itself, and for
// the others one that no publisher gives by chance.
func numbered(id string, nth int) string {
	if id == "" || nth == 0 {
		return id
	}
	return digest(id + "\x00" + strconv.Itoa(nth))
}

// fold keeps an id that the log takes, and makes a digest of any other.
func fold(id string) string {
	control := strings.ContainsFunc(id, func(r rune) bool { return r < ' ' || r == 0x7f })
	if len(id) <= eventlog.MaxID && !control {
		return id
	}
	return digest(id)
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}
