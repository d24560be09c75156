package memory_test

import (
	"testing"

	"github.com/runnel-sse/runnel/pkg/memory"
	"github.com/runnel-sse/runnel/pkg/subscriber/subscribertest"
)

func TestRegistry(t *testing.T) {
	t.Parallel()
	subscribertest.Run(t, func(_ *testing.T, o subscribertest.Options) subscribertest.Registry {
		return memory.NewRegistry(memory.RegistryOptions{Now: o.Now})
	})
}
