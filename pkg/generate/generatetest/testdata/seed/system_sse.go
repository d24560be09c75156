package events

// SystemStream tells everybody who is signed in what concerns the whole system.
//
//sse:channel all
//sse:policy authenticated

// SystemAlert is a banner for every page.
type SystemAlert struct {
	Message   string `json:"message"`
	Severity  string `json:"severity"`   // such as info, warning, critical
	ExpiresAt int64  `json:"expires_at"` // Unix seconds
}
