package obs

// Metric is the name of a number. The set is closed: a name that is not here is
// on no dashboard and in no alarm.
type Metric string

// The numbers there are, and their units.
const (
	ConnectionsOpened Metric = "ConnectionsOpened" // count
	ConnectionSeconds Metric = "ConnectionSeconds" // seconds that a connection lasted
	ConnectionsOpen   Metric = "ConnectionsOpen"   // count, now
	EventsIngested    Metric = "EventsIngested"    // count, messages or records that were done
	EventsFailed      Metric = "EventsFailed"      // count, messages or records handed back
	IngestSeconds     Metric = "IngestSeconds"     // seconds that a batch took
	SubscribersReaped Metric = "SubscribersReaped" // count
	Panics            Metric = "Panics"            // count, of handlers that were recovered

	StreamsRotated Metric = "StreamsRotated" // count, ended as planned: their readers come back, or have left unseen
	StreamsParked  Metric = "StreamsParked"  // count, ended as planned: their readers come back after a while
	StreamsResumed Metric = "StreamsResumed" // count, of readers that came back
	StreamsExpired Metric = "StreamsExpired" // count, ended with their token
	StreamsKicked  Metric = "StreamsKicked"  // count, cut off by command
	StreamsLeft    Metric = "StreamsLeft"    // count, whose reader said goodbye or was seen to leave
	UnreadSeconds  Metric = "UnreadSeconds"  // seconds that a stream lasted after its reader's goodbye
	BudgetSpent    Metric = "BudgetSpent"    // percent of this month's, of the stream that is nearest to its end
	RefusedRequest Metric = "RefusedRequest" // count, malformed or for what is not there
	RefusedAccess  Metric = "RefusedAccess"  // count, of who is unknown, not allowed or kept out
	RefusedLimit   Metric = "RefusedLimit"   // count, for a limit
	RefusedBusy    Metric = "RefusedBusy"    // count, for now: too busy, or something does not answer
)

// units are CloudWatch's.
var units = map[Metric]string{
	ConnectionsOpened: "Count",
	ConnectionSeconds: "Seconds",
	ConnectionsOpen:   "Count",
	EventsIngested:    "Count",
	EventsFailed:      "Count",
	IngestSeconds:     "Seconds",
	SubscribersReaped: "Count",
	Panics:            "Count",

	StreamsRotated: "Count",
	StreamsParked:  "Count",
	StreamsResumed: "Count",
	StreamsExpired: "Count",
	StreamsKicked:  "Count",
	StreamsLeft:    "Count",
	UnreadSeconds:  "Seconds",
	BudgetSpent:    "Percent",
	RefusedRequest: "Count",
	RefusedAccess:  "Count",
	RefusedLimit:   "Count",
	RefusedBusy:    "Count",
}

// Metrics is where numbers go. It never fails and never waits: a program does
// not suffer from being watched. Its methods may be called from many goroutines.
type Metrics interface {
	// Add counts n more of m.
	Add(m Metric, n int)
	// Observe notes one value of m, of which the distribution matters.
	Observe(m Metric, value float64)
	// Set says how many of m there are now.
	Set(m Metric, value float64)
}

// Nop drops every number.
type Nop struct{}

// Add does nothing.
func (Nop) Add(Metric, int) {}

// Observe does nothing.
func (Nop) Observe(Metric, float64) {}

// Set does nothing.
func (Nop) Set(Metric, float64) {}
