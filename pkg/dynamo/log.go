package dynamo

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/eventlog"
)

// LogOptions are the settings of a log. The zero value keeps everything.
type LogOptions struct {
	Now       func() time.Time                  // nil: time.Now
	Retention func(stream string) time.Duration // how long events are kept; nil or 0: for ever
	Meter     *Meter
}

// Log is an eventlog.Log in a table.
type Log struct {
	client Client
	table  string
	o      LogOptions
	lanes  lanes
}

var _ eventlog.Log = (*Log)(nil)

// NewLog returns a log in the table, which has the form of EventLogTable.
func NewLog(client Client, table string, o LogOptions) *Log {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Retention == nil {
		o.Retention = func(string) time.Duration { return 0 }
	}
	return &Log{client: client, table: table, o: o, lanes: lanes{all: map[channel.Name]*lane{}}}
}

// Items of the log. All of a channel but its ids are in one partition:
//
//	pk                    sk                            else
//	CommentStream:item:1  #head                         epoch, seq, expires
//	CommentStream:item:1  e#{epoch, hex}#{last, hex}    b: the batch, expires
//	id#{channel}#{id}     #id                           epoch, seq, expires
const (
	headSK = "#head"
	idSK   = "#id"
)

// ttlSlack is how much longer a head is kept than anything that counts in its
// epoch, since DynamoDB deletes days late.
const ttlSlack = 7 * 24 * time.Hour

func batchSK(at eventlog.Position) string {
	return fmt.Sprintf("e#%06x#%010x", uint32(at.Epoch), at.Seq)
}
func batchEnd(e eventlog.Epoch) string { return fmt.Sprintf("e#%06x#~", uint32(e)) }
func idPK(ch channel.Name, id string) string {
	return "id#" + ch.String() + "#" + id // a channel's name has no #
}

// item is one item, by attribute.
type item = map[string]types.AttributeValue

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func num[T int | int64 | uint64 | eventlog.Epoch](n T) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: fmt.Sprint(uint64(n))}
}

func readNum(item item, name string) (uint64, bool) {
	n, ok := item[name].(*types.AttributeValueMemberN)
	if !ok {
		return 0, false
	}
	v, err := strconv.ParseUint(n.Value, 10, 64)
	return v, err == nil
}

// position reads the position in a head or an id item; false where there is none.
func position(item item) (eventlog.Position, bool) {
	epoch, ok := readNum(item, attrEpoch)
	seq, also := readNum(item, attrSeq)
	return eventlog.Position{Epoch: eventlog.Epoch(epoch), Seq: seq}, ok && also
}

func newEpoch() eventlog.Epoch { return 1 + rand.N(eventlog.MaxEpoch) }

// expiry returns the attribute for an item that lives so long, in whole seconds.
func expiry(now time.Time, life time.Duration) types.AttributeValue {
	return num(now.Add(life + time.Second - 1).Unix())
}

func total() types.ReturnConsumedCapacity { return types.ReturnConsumedCapacityTotal }
