package rpc

import (
	"context"
	"sync"
)

// MethodStats are the counters of one RPC.
type MethodStats struct {
	Total     uint64 `json:"total"`     // calls that began
	InFlight  int64  `json:"in_flight"` // calls that have not ended
	Errors    uint64 `json:"errors"`    // calls that ended with a gRPC error
	Cancelled uint64 `json:"cancelled"` // calls whose caller had gone before they ended
	Panics    uint64 `json:"panics"`
}

// Stats counts calls by RPC name.
type Stats struct {
	mu sync.Mutex
	by map[string]*MethodStats
}

func newStats() *Stats { return &Stats{by: make(map[string]*MethodStats)} }

func (s *Stats) of(name string) *MethodStats {
	m := s.by[name]
	if m == nil {
		m = new(MethodStats)
		s.by[name] = m
	}
	return m
}

func (s *Stats) begin(name string) func(context.Context, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.of(name)
	m.Total++
	m.InFlight++
	return func(ctx context.Context, err error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		m.InFlight--
		if err != nil {
			m.Errors++
		}
		if ctx.Err() != nil {
			m.Cancelled++
		}
	}
}

func (s *Stats) panicked(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.of(name).Panics++
}

// InFlight is the number of calls that have not ended.
func (s *Stats) InFlight() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	var n int64
	for _, m := range s.by {
		n += m.InFlight
	}
	return n
}

// Snapshot copies the counters.
func (s *Stats) Snapshot() map[string]MethodStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make(map[string]MethodStats, len(s.by))
	for name, m := range s.by {
		out[name] = *m
	}
	return out
}
