// Package fault decides which requests of the test store fail, and how.
//
//	POST /faults -> Set(rules) ; request -> Match(probe) -> Action -> the rpc package carries it out
//
// A rule names a method and a kind, lets `skip` matching requests pass, and then hits `count` times.
// Rules are tried in order and the first that is not used up takes the request.
package fault

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/pingcap/tidb/pkg/tablecodec"
)

// Kinds that are not region errors.
const (
	Delay       = "delay"       // wait `ms`, then go on; later rules still apply
	DropReply   = "drop_reply"  // execute, then answer with gRPC Unavailable
	Unavailable = "unavailable" // gRPC Unavailable, not executed
	Late        = "late"        // gRPC Unavailable at once, executed `ms` later, whatever became of the caller
	Hang        = "hang"        // no answer until the caller gives up or the rules change; not executed
	Kill        = "kill"        // the process exits before execution
	KillAfter   = "kill_after"  // the process exits after execution, before the answer
)

// RegionErrors are the kinds that answer with a region error and do not execute the request.
var RegionErrors = []string{
	"not_leader", "not_leader_hint", "region_not_found", "key_not_in_region", "epoch_not_match",
	"server_is_busy", "stale_command", "store_not_match", "raft_entry_too_large", "max_ts_not_synced",
	"read_index_not_ready", "proposal_in_merging_mode", "data_is_not_ready", "region_not_initialized",
	"disk_full", "recovery_in_progress", "flashback_in_progress", "flashback_not_prepared",
	"is_witness", "mismatch_peer_id", "bucket_version_not_match", "undetermined_result",
}

var others = []string{Delay, DropReply, Unavailable, Late, Hang, Kill, KillAfter}

// IsRegionError tells whether the kind is answered in the field region_error of the response.
func IsRegionError(kind string) bool { return slices.Contains(RegionErrors, kind) }

// Rule is one fault. Only method and kind are required; the filters, when given, must all hold.
type Rule struct {
	Method string `json:"method"` // RPC name such as Coprocessor or KvPrewrite, or *
	Kind   string `json:"kind"`
	Count  *int   `json:"count,omitempty"` // hits until the rule is used up; default 1, -1 for ever
	Skip   int    `json:"skip,omitempty"`  // matching requests that pass first
	Ms     int    `json:"ms,omitempty"`    // milliseconds: of `delay` and `late`, and the advised back-off of server_is_busy

	StoreID       uint64 `json:"store_id,omitempty"`       // only requests that came to this store
	RegionID      uint64 `json:"region_id,omitempty"`      // only requests to this region
	TableID       int64  `json:"table_id,omitempty"`       // only requests with a key or range of this (physical) table
	KeyPrefix     string `json:"key_prefix,omitempty"`     // hex; only requests with a raw key or range below this prefix
	RequestSource string `json:"request_source,omitempty"` // only requests whose context.request_source contains this
	StaleRead     *bool  `json:"stale_read,omitempty"`     // only requests with, or without, this flag in their context
	ReplicaRead   *bool  `json:"replica_read,omitempty"`   // likewise
}

// State is a rule with what happened to it.
type State struct {
	Rule
	Seen int `json:"seen"` // matching requests, those skipped included
	Hits int `json:"hits"` // requests that got the fault
}

// Probe is what a rule may look at.
type Probe struct {
	Method        string
	StoreID       uint64
	RegionID      uint64
	RequestSource string
	StaleRead     bool
	ReplicaRead   bool
	Ranges        []Range
}

// Range is a half-open range of raw keys; a single key has End == nil and Point set.
type Range struct {
	Start, End []byte
	Point      bool
}

// Overlaps tells whether the range has keys that begin with the prefix.
func (r Range) Overlaps(prefix []byte) bool {
	if r.Point {
		return bytes.HasPrefix(r.Start, prefix)
	}
	if bytes.HasPrefix(r.Start, prefix) {
		return true
	}
	return bytes.Compare(r.Start, prefix) < 0 && (len(r.End) == 0 || bytes.Compare(r.End, prefix) > 0)
}

// Set is the list of active rules; its zero value is empty and ready.
type Set struct {
	mu      sync.Mutex
	rules   []*active
	changed chan struct{} // closed when the rules are replaced
}

type active struct {
	State
	prefix []byte
	limit  int
}

// Parse reads a JSON list of rules and checks it.
func Parse(data []byte) ([]Rule, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	var rules []Rule
	if err := dec.Decode(&rules); err != nil {
		return nil, fmt.Errorf("a JSON list of rules is expected: %w", err)
	}
	return rules, nil
}

// Replace checks the rules and makes them the active ones; on an error the old ones stay. Requests
// that hang are let go.
func (s *Set) Replace(rules []Rule, methods func(string) bool) error {
	list := make([]*active, 0, len(rules))
	for i, r := range rules {
		a := &active{State: State{Rule: r}, limit: 1}
		if r.Method != "*" && !methods(r.Method) {
			return fmt.Errorf("rule %d: unknown method %q", i, r.Method)
		}
		if !IsRegionError(r.Kind) && !slices.Contains(others, r.Kind) {
			return fmt.Errorf("rule %d: unknown kind %q; known are %s", i, r.Kind,
				strings.Join(slices.Concat(RegionErrors, others), ", "))
		}
		if r.Count != nil {
			a.limit = *r.Count
		}
		if a.limit < -1 || r.Skip < 0 || r.Ms < 0 {
			return fmt.Errorf("rule %d: count is at least -1, skip and ms at least 0", i)
		}
		var err error
		if a.prefix, err = hex.DecodeString(r.KeyPrefix); err != nil {
			return fmt.Errorf("rule %d: key_prefix: %w", i, err)
		}
		if r.TableID != 0 {
			if len(a.prefix) > 0 {
				return fmt.Errorf("rule %d: give table_id or key_prefix, not both", i)
			}
			a.prefix = tablecodec.EncodeTablePrefix(r.TableID)
		}
		list = append(list, a)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = list
	if s.changed != nil {
		close(s.changed)
	}
	s.changed = make(chan struct{})
	return nil
}

// List returns the rules with their counters.
func (s *Set) List() []State {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]State, 0, len(s.rules))
	for _, a := range s.rules {
		out = append(out, a.State)
	}
	return out
}

// Action is what happens to one request.
type Action struct {
	DelayMs int
	Kind    string // "" when only a delay, or nothing, happens
	Ms      int
	Changed <-chan struct{} // closed when the rules are replaced; ends a hang
}

// Match counts the request against the rules and returns its fate. regionError tells whether the
// response of this method can carry a region error; rules of such kinds pass over the others.
func (s *Set) Match(p Probe, regionError bool) Action {
	s.mu.Lock()
	defer s.mu.Unlock()
	var act Action
	for _, a := range s.rules {
		if a.limit >= 0 && a.Hits >= a.limit || !a.matches(p) || IsRegionError(a.Kind) && !regionError {
			continue
		}
		a.Seen++
		if a.Seen <= a.Skip {
			continue
		}
		a.Hits++
		if a.Kind == Delay {
			act.DelayMs += a.Ms
			continue
		}
		act.Kind, act.Ms, act.Changed = a.Kind, a.Ms, s.changed
		break
	}
	return act
}

func (a *active) matches(p Probe) bool {
	if a.Method != "*" && a.Method != p.Method || a.RegionID != 0 && a.RegionID != p.RegionID ||
		a.StoreID != 0 && a.StoreID != p.StoreID ||
		a.StaleRead != nil && *a.StaleRead != p.StaleRead || a.ReplicaRead != nil && *a.ReplicaRead != p.ReplicaRead ||
		a.RequestSource != "" && !strings.Contains(p.RequestSource, a.RequestSource) {
		return false
	}
	return len(a.prefix) == 0 ||
		slices.ContainsFunc(p.Ranges, func(r Range) bool { return r.Overlaps(a.prefix) })
}
