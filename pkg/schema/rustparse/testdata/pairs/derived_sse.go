package events

type TaskComplete struct {
	UserID     string `json:"user_id"`
	DurationMS uint64 `json:"duration_ms"`
}
