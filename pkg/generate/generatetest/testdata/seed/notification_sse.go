package events

// NotificationStream tells one user what happened for them.
//
//sse:channel user:{user_id}
//sse:policy owner

// EmailSent says that an e-mail went out to the user.
type EmailSent struct {
	UserID        string `json:"user_id"`
	EmailType     string `json:"email_type"`
	SentTo        string `json:"sent_to"`
	CorrelationID string `json:"correlation_id"`
}

// TaskComplete says that a background task of the user has ended.
type TaskComplete struct {
	UserID     string `json:"user_id"`
	TaskType   string `json:"task_type"`
	Result     string `json:"result"`
	DurationMS uint64 `json:"duration_ms"`
}

// NewCommentNotification says that somebody commented on an item of the user.
type NewCommentNotification struct {
	UserID  string `json:"user_id"`
	Message string `json:"message"`
	ItemID  string `json:"item_id"`
}

// TaskProgress says how far a background task of the user has come.
type TaskProgress struct {
	UserID string `json:"user_id"`
	TaskID string `json:"task_id"`
	Done   uint64 `json:"done"`
	Total  uint64 `json:"total"`
}
