package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/runnel-sse/runnel/pkg/auth"
	"github.com/runnel-sse/runnel/pkg/channel"
)

type tokenOptions struct {
	subject, claims string
	channels        []string
	ttl             time.Duration
}

func tokenCommand() *cobra.Command {
	var o tokenOptions
	cmd := &cobra.Command{
		Use:   "token --sub SUBJECT [--claims JSON | --channels PATTERN…] [--ttl 1h]",
		Short: "Make a token for `runnel dev`",
		Long: `Make a token for ` + "`runnel dev`" + `, signed with the development key. Everybody knows
that key, so every other server refuses it.`,
		Example: `  curl -N -H "Authorization: Bearer $(runnel token --sub 7)" ` + defaultURL + `/sse/NotificationStream/user:7
  runnel token --sub 7 --channels 'CommentStream:item:*' --channels 'SystemStream:**' --ttl 10m
  runnel token --sub 7 --claims '{"org":"acme"}'`,
		Args: arguments("no arguments", func(n int) bool { return n == 0 }),
		RunE: func(cmd *cobra.Command, _ []string) error {
			claims, err := o.claimSet()
			if err != nil {
				return usageError{err}
			}
			token, err := auth.MintDevelopment(o.subject, o.ttl, claims)
			if err != nil {
				return usageError{err}
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), token)
			return err
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.subject, "sub", "", "who it is for: the user's id")
	f.StringVar(&o.claims, "claims", "", "more claims, a JSON object")
	f.StringArrayVar(&o.channels, "channels", nil, "channels that it lists, such as 'CommentStream:item:*'; may be repeated")
	f.DurationVar(&o.ttl, "ttl", time.Hour, "how long it is good")
	cmd.MarkFlagsMutuallyExclusive("claims", "channels")
	return cmd
}

// claimSet are the claims besides the token's own.
func (o tokenOptions) claimSet() (map[string]any, error) {
	if o.subject == "" {
		return nil, errors.New("--sub is needed: the id of the user that the token is for, such as --sub 7")
	}
	claims := map[string]any{}
	if o.claims != "" {
		d := json.NewDecoder(bytes.NewReader([]byte(o.claims)))
		d.UseNumber() // so that large numbers stay as they are
		if err := d.Decode(&claims); err != nil || claims == nil {
			return nil, errors.New(`--claims must be a JSON object, such as '{"org":"acme"}'`)
		}
		if _, err := d.Token(); !errors.Is(err, io.EOF) {
			return nil, errors.New("--claims has something behind its JSON object")
		}
	}
	for _, pattern := range o.channels {
		if _, err := channel.ParsePattern(pattern); err != nil {
			return nil, fmt.Errorf("--channels: %w", err)
		}
	}
	if len(o.channels) > 0 {
		claims[auth.DefaultChannelsClaim] = o.channels
	}
	return claims, nil
}
