// Package events is the contract: what may be sent, and to whom. Start here.
//
// # A definition
//
// A file NAME_sse.go declares a stream: comment_sse.go declares CommentStream,
// price_tick_sse.go PriceTickStream. Its exported structs are the stream's
// events. An exported struct that is the type of another's field is a part of
// that one and no event; unexported structs may be parts too.
//
//	package events
//
//	// CommentStream tells the readers of an item what happens to its comments.
//	//
//	//sse:channel item:{item_id}
//	//sse:policy public
//
//	// CommentAdded says that a comment was written.
//	type CommentAdded struct {
//		ItemID string `json:"item_id"`
//		Text   string `json:"text"`
//	}
//
// The same in Rust, in a file NAME_sse.rs: its public structs are the events,
// and those that are the type of another's field are parts. price_sse.rs is one.
//
//	//! CommentStream tells the readers of an item what happens to its comments.
//	//sse:channel item:{item_id}
//	//sse:policy public
//
//	/// CommentAdded says that a comment was written.
//	pub struct CommentAdded {
//	    pub item_id: String,
//	    pub text: String,
//	}
//
// # What is said of the whole stream
//
// Directives are comment lines anywhere in the file, each at most once, the same
// in both languages. The words around the first of them are the stream's
// documentation; in Rust the //! lines are, where there are any.
//
//	//sse:channel item:{item_id}  the form of the channels' keys: parts between colons, fixed or
//	                              a field that every event has (a string, an integer or an enum).
//	                              Without it the form is derived: the one field x_id that all
//	                              events share and that is not named after the stream itself
//	                              gives x:{x_id}, none gives all, two are an error.
//	//sse:policy public           who may read: public, authenticated (a valid token), owner (the
//	                              one whose channel it is), claim (the token lists patterns of
//	                              channels). Default: authenticated.
//	//sse:policy owner user_id    which field of the key is the owner, where there are several,
//	                              and which claim of the token it has to equal: owner org_id org.
//	                              Default: the only field, the claim sub.
//	//sse:retention 24h           how long events are kept for readers that come back, 1m to
//	                              8760h. Default: 24h.
//	//sse:limit 100               subscribers that a channel may have. Default: no limit.
//	//sse:limit user 5            connections that a user may have in all, whatever they read, to
//	//sse:limit address 20        get one that reads this stream; the same for an address. Of
//	                              several streams on a connection the smallest counts. Default:
//	                              the limits of the deployment.
//	//sse:presence grace 10s      keeps who is there, and says it on the channel: sse.joined when
//	                              a user's first connection comes, sse.left when the last one has
//	                              been gone for the grace time, 1s to 1h. Default: nothing is
//	                              kept; without grace 10s, on parked streams twice the closed time.
//	//sse:economy                 parks readers to save money: connected for a while (open, 5s to
//	                              5m), then away for a while (closed, 5s to 15m), so events may
//	                              wait that long: economy open 25s closed 60s, its defaults.
//	//sse:function prices         which function serves it where it is deployed, and what that is
//	                              given: function prices memory 512 concurrency 50 lease 60s, in
//	                              megabytes (128 to 10240), processes (1 to 10000), 10s to 10m.
//	                              Default: the one that serves all, as the deployment has it.
//	//sse:budget 500h             hours of connection in a month, 1h to 1000000h. While it runs
//	                              out, connections get shorter and then parked. Default: none.
//
// A user is the subject of a valid token. Whoever reads a public stream without
// one is nobody: counted among the subscribers, and in presence a number without
// a name that is never said to have joined or left.
//
// # What a field may be
//
// JSON names are those of encoding/json (the json tag, else the field's name) and
// of serde (rename, rename_all, else the field's name).
//
//	Go                              Rust                            in JSON
//	string                          String                          string
//	bool                            bool                            true, false
//	int8 … int64, uint8 … uint64    i8 … i64, u8 … u64              integer of that range, without fraction or exponent
//	int, uint                       none: isize and usize differ    the same, of 64 bits
//	float32, float64                f32, f64                        number
//	[]byte                          Vec<u8>                         base64 string, padded
//	time.Time                       chrono::DateTime<Utc>           RFC 3339 string
//	*T, or the option omitempty     Option<T>, or serde's default   T, null or absent
//	(time, struct: omitzero)        or skip_serializing_if
//	[]T                             Vec<T>                          list, never null
//	map[string]T                    HashMap, BTreeMap<String, T>    object, never null
//	a struct of the same file       the same, and Box<T>            object
//	a string type with constants    an enum without data            one of the constants' or enum's values
//
// What serde would write otherwise, the definition has to say: where a struct
// derives Serialize, Vec<u8> is a list of numbers, so it needs serde(with) with a
// module whose name has base64 in it. A DateTime with
// chrono::serde::ts_milliseconds and the like is an integer of 64 bits; a
// NaiveDateTime has no zone and is refused. Programs in Rust that read events take
// null for an Option alone, so that is better than default. serde's flatten, tag,
// untagged, alias and whatever else changes the JSON is refused by its name, and
// so are macros.
//
// Fields that a definition does not know are allowed in an event's data and kept.
// Everything else is refused by `runnel generate`, with its place and what to write.
//
// # After a change
//
// `make generate` writes all that follows from the definitions anew: [Catalog], the
// interfaces such as [CommentStreamEvent], the types of what is declared in Rust,
// [Routes], [Broadcast] and [Decode], and package publish below this one. CI fails
// while something is stale. [Logic] says which broadcasts follow from what happened
// in a service, [CommentChanges] what a change of a table means. Both are plain
// functions, without I/O.
package events

//go:generate go run ../cmd/runnel generate --from .
