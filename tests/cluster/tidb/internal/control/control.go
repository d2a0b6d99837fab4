// Package control is the HTTP port by which tests steer the store: faults, splits, locks, counters.
// It listens on loopback, has no authentication and belongs to a test device only.
package control

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/pingcap/tidb/pkg/store/mockstore/unistore/pd"

	"tidb-spark.test/cluster/tidb/internal/fault"
	"tidb-spark.test/cluster/tidb/internal/region"
	"tidb-spark.test/cluster/tidb/internal/rpc"
)

const maxBody = 16 << 20

// Control answers the port's requests.
type Control struct {
	Service *rpc.Service  // of the first store
	Pipe    *rpc.Pipeline // of the first store; faults, counters and regions are the same for all
	Stores  map[uint64]*rpc.Service
	PD      pd.Client
}

// Handler is the route table. Answers are JSON; an error is {"error": "..."} with status 400.
func (c *Control) Handler() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, f func(*http.Request, []byte) (any, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
			var out any
			if err == nil {
				out, err = f(r, body)
			}
			code := http.StatusOK
			if err != nil {
				code, out = http.StatusBadRequest, map[string]string{"error": err.Error()}
			}
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(code)
			_ = json.NewEncoder(w).Encode(out) // the caller has gone: nobody to tell
		})
	}
	handle("GET /stats", c.stats)
	handle("GET /faults", func(*http.Request, []byte) (any, error) { return c.Pipe.Faults.List(), nil })
	handle("POST /faults", c.setFaults)
	handle("DELETE /faults", func(*http.Request, []byte) (any, error) {
		return c.Pipe.Faults.List(), c.Pipe.Faults.Replace(nil, c.Pipe.Known)
	})
	handle("GET /regions", c.regions)
	handle("GET /kv", c.kv)
	handle("POST /split", c.split)
	handle("POST /transfer_leader", c.transferLeader)
	handle("GET /locks", c.locks)
	handle("POST /lock", c.lock)
	return mux
}

func decode(body []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	return dec.Decode(into)
}

func (c *Control) stats(*http.Request, []byte) (any, error) {
	methods := c.Pipe.Stats.Snapshot()
	leaders := make(map[uint64]int)
	for _, r := range c.Pipe.Regions.Regions() {
		leaders[r.Leader().StoreId]++
	}
	stores := []map[string]any{}
	for _, l := range c.Pipe.Regions.Locals() {
		stores = append(stores, map[string]any{"id": l.StoreID(), "address": l.Addr(), "leaders": leaders[l.StoreID()]})
	}
	return map[string]any{
		"stores": stores, "regions": len(c.Pipe.Regions.Regions()),
		"in_flight": c.Pipe.Stats.InFlight(), "methods": methods,
	}, nil
}

func (c *Control) setFaults(_ *http.Request, body []byte) (any, error) {
	rules, err := fault.Parse(body)
	if err != nil {
		return nil, err
	}
	if err := c.Pipe.Faults.Replace(rules, c.Pipe.Known); err != nil {
		return nil, err
	}
	return c.Pipe.Faults.List(), nil
}

type regionView struct {
	ID       uint64 `json:"id"`
	Leader   uint64 `json:"leader"`    // peer id
	StoreID  uint64 `json:"store_id"`  // of the leader
	StartKey string `json:"start_key"` // hex of the raw key, empty for the first region
	EndKey   string `json:"end_key"`   // hex of the raw key, empty for the last region
	ConfVer  uint64 `json:"conf_ver"`
	Version  uint64 `json:"version"`
	Size     int64  `json:"size"` // bytes, approximate
}

func view(regions []*region.Region) []regionView {
	out := make([]regionView, 0, len(regions))
	for _, r := range regions {
		v := regionView{
			ID: r.Meta().Id, Leader: r.Leader().Id, StoreID: r.Leader().StoreId, StartKey: hex.EncodeToString(r.RawStart()),
			ConfVer: r.Meta().RegionEpoch.ConfVer, Version: r.Meta().RegionEpoch.Version, Size: r.Size(),
		}
		if len(r.Meta().EndKey) > 0 {
			v.EndKey = hex.EncodeToString(r.RawEnd())
		}
		out = append(out, v)
	}
	return out
}

func (c *Control) regions(*http.Request, []byte) (any, error) {
	return view(c.Pipe.Regions.Regions()), nil
}

// split cuts at one raw key, or at several that may lie in different regions.
func (c *Control) split(r *http.Request, body []byte) (any, error) {
	var req struct {
		Key  string   `json:"key"`
		Keys []string `json:"keys"`
	}
	if err := decode(body, &req); err != nil {
		return nil, err
	}
	if req.Key != "" {
		req.Keys = append(req.Keys, req.Key)
	}
	if len(req.Keys) == 0 {
		return nil, fmt.Errorf("key (hex of a raw key) or keys is needed")
	}
	ctx, cancel := context.WithTimeout(r.Context(), 30*time.Second)
	defer cancel()
	for _, h := range req.Keys {
		key, err := hex.DecodeString(h)
		if err != nil {
			return nil, fmt.Errorf("key %q: %w", h, err)
		}
		for {
			at := c.Pipe.Regions.Locate(key)
			if at == nil {
				return nil, fmt.Errorf("no region holds %s", h)
			}
			if _, err = c.Pipe.Regions.Split(ctx, at, [][]byte{key}); err == nil {
				break
			}
			if c.Pipe.Regions.Get(at.Meta().Id) == at { // not a race with a split by size
				return nil, err
			}
		}
	}
	return map[string]int{"regions": len(c.Pipe.Regions.Regions())}, nil
}

func (c *Control) transferLeader(_ *http.Request, body []byte) (any, error) {
	var req struct {
		RegionID uint64 `json:"region_id"`
		StoreID  uint64 `json:"store_id"`
	}
	if err := decode(body, &req); err != nil {
		return nil, err
	}
	return req, c.Pipe.Regions.TransferLeader(req.RegionID, req.StoreID)
}

func (c *Control) locks(r *http.Request, _ []byte) (any, error) {
	limit := 1000
	if s := r.URL.Query().Get("limit"); s != "" {
		var err error
		if limit, err = strconv.Atoi(s); err != nil {
			return nil, fmt.Errorf("limit: %w", err)
		}
	}
	type lockView struct {
		Key         string   `json:"key"`
		Primary     string   `json:"primary"`
		StartTS     uint64   `json:"start_ts"`
		Type        string   `json:"type"`
		TTL         uint64   `json:"ttl_ms"`
		TxnSize     uint64   `json:"txn_size"`
		ForUpdateTS uint64   `json:"for_update_ts"`
		MinCommitTS uint64   `json:"min_commit_ts"`
		AsyncCommit bool     `json:"async_commit"`
		Secondaries []string `json:"secondaries"`
	}
	out := []lockView{}
	for _, l := range c.Service.Locks(limit) {
		v := lockView{
			Key: hex.EncodeToString(l.Key), Primary: hex.EncodeToString(l.PrimaryLock), StartTS: l.LockVersion,
			Type: l.LockType.String(), TTL: l.LockTtl, TxnSize: l.TxnSize, ForUpdateTS: l.LockForUpdateTs,
			MinCommitTS: l.MinCommitTs, AsyncCommit: l.UseAsyncCommit, Secondaries: []string{},
		}
		for _, s := range l.Secondaries {
			v.Secondaries = append(v.Secondaries, hex.EncodeToString(s))
		}
		out = append(out, v)
	}
	return out, nil
}
