// Package control is the HTTP port by which tests steer the stores: regions, splits, locks, counters, faults.
// It is the same for the test store and for a real TiKV, each of which is a Backend.
// It listens on loopback, has no authentication and belongs to a test device only.
package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/pingcap/kvproto/pkg/kvrpcpb"
)

const (
	maxBody = 16 << 20
	within  = 30 * time.Second // one request
)

// ErrNotHere is what a backend answers to what it cannot do.
var ErrNotHere = errors.New("not with this store")

// Place is where a key is: a region at one epoch. Each call asks the region's leader; what the region has against it is in the response.
type Place interface {
	// End is the raw end of the region, empty for the last.
	End() []byte
	Scan(context.Context, *kvrpcpb.ScanRequest) (*kvrpcpb.ScanResponse, error)
	Prewrite(context.Context, *kvrpcpb.PrewriteRequest) (*kvrpcpb.PrewriteResponse, error)
	PessimisticLock(context.Context, *kvrpcpb.PessimisticLockRequest) (*kvrpcpb.PessimisticLockResponse, error)
}

// Store is one store as PD knows it.
type Store struct {
	ID      uint64 `json:"id"`
	Address string `json:"address"`
}

// Backend is the cluster behind the port. Keys are raw.
type Backend interface {
	Timestamp(context.Context) (uint64, error)
	Locate(ctx context.Context, key []byte) (Place, error)
	// Regions are in key order.
	Regions(context.Context) ([]Region, error)
	Stores(context.Context) ([]Store, error)
	// Methods are the counters of RPCs by name, and the calls that have not ended.
	Methods(context.Context) (methods any, inFlight int64, err error)
	// Split cuts at keys that may lie in different regions. As with the calls below PD knows of the change when it returns.
	Split(ctx context.Context, keys [][]byte) error
	TransferLeader(ctx context.Context, region, store uint64) error
	Merge(ctx context.Context, source, target uint64) error
	// Schedule hands an operator to PD and does not wait for it.
	Schedule(ctx context.Context, operator json.RawMessage) error
	// Locks are the live ones, limit at most; 0 for all.
	Locks(ctx context.Context, limit int) ([]*kvrpcpb.LockInfo, error)
	Faults() any
	SetFaults(rules []byte) error
	ClearFaults() error
}

type port struct{ Backend }

// Handler is the route table. Answers are JSON; an error is {"error": "..."} with status 400.
func Handler(backend Backend) http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, f func(context.Context, *http.Request, []byte) (any, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			ctx, cancel := context.WithTimeout(r.Context(), within)
			defer cancel()
			body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
			var out any
			if err == nil {
				out, err = f(ctx, r, body)
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
	p := port{backend}
	handle("GET /stats", p.stats)
	handle("GET /faults", func(context.Context, *http.Request, []byte) (any, error) { return p.Faults(), nil })
	handle("POST /faults", func(_ context.Context, _ *http.Request, body []byte) (any, error) {
		if err := p.SetFaults(body); err != nil {
			return nil, err
		}
		return p.Faults(), nil
	})
	handle("DELETE /faults", func(context.Context, *http.Request, []byte) (any, error) { return p.Faults(), p.ClearFaults() })
	handle("GET /regions", func(ctx context.Context, _ *http.Request, _ []byte) (any, error) { return p.Regions(ctx) })
	handle("GET /kv", p.kv)
	handle("POST /split", p.split)
	handle("POST /transfer_leader", p.transferLeader)
	handle("POST /merge", p.merge)
	handle("POST /schedule", p.schedule)
	handle("GET /locks", p.locks)
	handle("POST /lock", p.lock)
	return mux
}

func decode(body []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	return dec.Decode(into)
}

func (p port) stats(ctx context.Context, _ *http.Request, _ []byte) (any, error) {
	methods, inFlight, err := p.Methods(ctx)
	if err != nil {
		return nil, err
	}
	regions, err := p.Regions(ctx)
	if err != nil {
		return nil, err
	}
	known, err := p.Stores(ctx)
	if err != nil {
		return nil, err
	}
	leaders := make(map[uint64]int)
	for _, r := range regions {
		leaders[r.StoreID]++
	}
	type store struct {
		Store
		Leaders int `json:"leaders"`
	}
	stores := make([]store, 0, len(known))
	for _, s := range known {
		stores = append(stores, store{s, leaders[s.ID]})
	}
	return map[string]any{"stores": stores, "regions": len(regions), "in_flight": inFlight, "methods": methods}, nil
}

// split cuts at one raw key, or at several that may lie in different regions.
func (p port) split(ctx context.Context, _ *http.Request, body []byte) (any, error) {
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
		return nil, errors.New("key (hex of a raw key) or keys is needed")
	}
	keys, err := unhex(req.Keys...)
	if err != nil {
		return nil, err
	}
	if err := p.Split(ctx, keys); err != nil {
		return nil, err
	}
	regions, err := p.Regions(ctx)
	return map[string]int{"regions": len(regions)}, err
}

func (p port) transferLeader(ctx context.Context, _ *http.Request, body []byte) (any, error) {
	var req struct {
		RegionID uint64 `json:"region_id"`
		StoreID  uint64 `json:"store_id"`
	}
	if err := decode(body, &req); err != nil {
		return nil, err
	}
	return req, p.TransferLeader(ctx, req.RegionID, req.StoreID)
}

func (p port) merge(ctx context.Context, _ *http.Request, body []byte) (any, error) {
	var req struct {
		RegionID uint64 `json:"region_id"`
		TargetID uint64 `json:"target_id"`
	}
	if err := decode(body, &req); err != nil {
		return nil, err
	}
	return req, p.Merge(ctx, req.RegionID, req.TargetID)
}

func (p port) schedule(ctx context.Context, _ *http.Request, body []byte) (any, error) {
	if !json.Valid(body) {
		return nil, errors.New("the JSON of an operator of PD is needed")
	}
	return json.RawMessage(body), p.Schedule(ctx, body)
}

func (p port) locks(ctx context.Context, r *http.Request, _ []byte) (any, error) {
	limit := 1000
	if s := r.URL.Query().Get("limit"); s != "" {
		var err error
		if limit, err = strconv.Atoi(s); err != nil {
			return nil, fmt.Errorf("limit: %w", err)
		}
	}
	locks, err := p.Locks(ctx, limit)
	return lockViews(locks), err
}
