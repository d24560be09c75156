package auth

import (
	"context"
	"crypto/subtle"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// What `runnel dev` checks and `runnel token` signs with. They stand in the
// source, so they are no secrets: New refuses them by their value, unless it is
// told that this is a development server.
const (
	DevelopmentSecret       = "runnel development secret: everybody knows it"
	DevelopmentTicketSecret = "runnel development ticket secret: everybody knows it"
	DevelopmentIssuer       = "runnel-dev"
)

// developmentTickets bounds what a development server remembers of tickets.
const developmentTickets = 10_000

// IsDevelopmentSecret reports whether the secret is one that everybody knows.
func IsDevelopmentSecret(secret []byte) bool {
	return subtle.ConstantTimeCompare(secret, []byte(DevelopmentSecret)) == 1 ||
		subtle.ConstantTimeCompare(secret, []byte(DevelopmentTicketSecret)) == 1
}

// Development is the configuration of `runnel dev`.
func Development() Config {
	return Config{
		Issuer: DevelopmentIssuer, Secret: []byte(DevelopmentSecret),
		TicketSecret: []byte(DevelopmentTicketSecret), Once: NewOnce(developmentTickets, time.Now),
		Development: true,
	}
}

// MintDevelopment signs a token for `runnel dev`, with the claims given besides
// its own. It is checked as that server checks it, so one that it returns is good.
func MintDevelopment(subject string, ttl time.Duration, claims map[string]any) (string, error) {
	own := []string{"iss", "sub", "iat", "exp"}
	for _, name := range slices.Sorted(maps.Keys(claims)) {
		if slices.Contains(own, name) {
			return "", fmt.Errorf("auth: making a token: claim %s is the token's own: it comes from the subject and the ttl", name)
		}
	}
	if ttl < time.Second {
		return "", fmt.Errorf("auth: making a token: a ttl of %v, at least 1s is needed", ttl)
	}
	all := jwt.MapClaims{}
	maps.Copy(all, claims)
	now := time.Now()
	all["iss"], all["sub"], all["iat"], all["exp"] = DevelopmentIssuer, subject, now.Unix(), now.Add(ttl).Unix()
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, all).SignedString([]byte(DevelopmentSecret))
	if err != nil {
		return "", fmt.Errorf("auth: making a token: %w", err)
	}
	guard, err := New(Development())
	if err != nil {
		return "", err
	}
	defer guard.Close()
	if _, err := guard.token(context.Background(), token); err != nil {
		return "", fmt.Errorf("auth: making a token: no server would take it: %w", err)
	}
	return token, nil
}
