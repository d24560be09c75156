package schema

import (
	"fmt"
	"strconv"
)

// FieldError says where data does not fit its definition. It is an ErrData.
type FieldError struct {
	// Path leads from the event to the fault, in names of the definition only:
	// "CommentAdded.timestamp", "Order.lines[3].price", "Poll.votes[*]".
	Path string
	// Problem is what is wrong, without anything of the data itself.
	Problem string
	// Value is the beginning of what was found; empty where it says nothing more.
	Value string
}

// Error is for the publisher of the data: it shows a little of what was found.
func (e *FieldError) Error() string {
	if e.Value == "" {
		return e.Reason()
	}
	return e.Reason() + " " + e.Value
}

// Reason is for logs: it shows nothing of the data.
func (e *FieldError) Reason() string { return e.Path + ": " + e.Problem }

func (e *FieldError) Unwrap() error { return ErrData }

// under puts a step before the path, on the way up.
func (e *FieldError) under(step string) *FieldError {
	e.Path = step + e.Path
	return e
}

func fault(problem, value string) *FieldError {
	return &FieldError{Problem: problem, Value: value}
}

func itoa(n int) string { return strconv.Itoa(n) }

func intName(t *Type) string {
	if t.Unsigned {
		return "uint" + itoa(t.Bits)
	}
	return "int" + itoa(t.Bits)
}

// intRange is the range of an integer type, for people.
func intRange(t *Type) string {
	if t.Unsigned {
		return fmt.Sprintf("0 to %d", ^uint64(0)>>(64-t.Bits))
	}
	most := int64(^uint64(0) >> (65 - t.Bits))
	return fmt.Sprintf("%d to %d", -most-1, most)
}

// excerpt is the beginning of a token, never long.
func excerpt(raw []byte) string {
	const most = 40
	if len(raw) <= most {
		return string(raw)
	}
	cut := most
	for cut > 0 && raw[cut]&0xc0 == 0x80 {
		cut-- // not in the middle of a character
	}
	return string(raw[:cut]) + "…"
}
