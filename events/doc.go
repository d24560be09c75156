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
// # What is said of the whole stream
//
// Directives are comment lines anywhere in the file, each at most once. The
// words around the first of them are the stream's documentation.
//
//	//sse:channel item:{item_id}  the form of the channels' keys: parts between colons, fixed or
//	                              a field that every event has (a string, an integer or an enum).
//	                              Without it the form is derived: the one field x_id that all
//	                              events share and that is not named after the stream itself
//	                              gives x:{x_id}, none gives all, two are an error.
//	//sse:policy public           who may read: public, authenticated (a valid token), owner (the
//	                              key is the token's subject), claim (the token lists patterns).
//	                              Default: authenticated.
//	//sse:retention 24h           how long events are kept for readers that come back, 1m to
//	                              8760h. Default: 24h.
//	//sse:limit 100               subscribers that a channel may have. Default: no limit.
//
// # What a field may be
//
// JSON names are those of encoding/json: the json tag, else the field's name.
//
//	Go                              in JSON
//	string                          string
//	bool                            true, false
//	int8 … int64, uint8 … uint64    integer of that range, without fraction or exponent; int and uint are 64 bits
//	float32, float64                number
//	[]byte                          base64 string, padded
//	time.Time                       RFC 3339 string
//	*T, or the option omitempty     T, null or absent
//	[]T                             list, never null
//	map[string]T                    object, never null
//	a struct of the same file       object
//	a string type with constants    one of the constants' values
//
// Fields that a definition does not know are allowed in an event's data and kept.
// Everything else is refused by `runnel generate`, with its place and what to write.
//
// # After a change
//
// `make generate` writes [Catalog] anew, and CI fails while it is stale. [Logic]
// says which broadcasts follow from what happened in a service, [CommentChanges]
// what a change of a table means. Both are plain functions, without I/O.
package events

//go:generate go run ../cmd/runnel generate --from .
