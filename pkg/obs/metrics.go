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
