// Command gosse is a hub made of go-sse's Joe, for bench to compare with.
// Usage: gosse ADDR
package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/tmaxmax/go-sse"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: gosse ADDR")
		os.Exit(2)
	}
	hub := &sse.Server{
		Provider: &sse.Joe{},
		OnSession: func(w http.ResponseWriter, r *http.Request) (topics []string, allowed bool) {
			// go-sse sends the head with the first event; a browser would wait
			// for its "open" until then.
			_ = http.NewResponseController(w).Flush()
			return []string{r.PathValue("stream") + ":" + r.PathValue("key")}, true
		},
	}
	mux := http.NewServeMux()
	mux.Handle("GET /sse/{stream}/{key}", hub)
	mux.HandleFunc("POST /publish", func(w http.ResponseWriter, r *http.Request) { publish(hub, w, r) })
	server := &http.Server{Addr: os.Args[1], Handler: mux, ReadHeaderTimeout: time.Minute}
	if err := server.ListenAndServe(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func publish(hub *sse.Server, w http.ResponseWriter, r *http.Request) {
	var event struct {
		Channel string          `json:"channel"`
		Type    string          `json:"event_type"`
		Data    json.RawMessage `json:"data"`
	}
	if err := json.NewDecoder(r.Body).Decode(&event); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	message := &sse.Message{Type: sse.Type(event.Type)}
	message.AppendData(string(event.Data))
	if err := hub.Publish(message, event.Channel); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
