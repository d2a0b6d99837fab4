// Package realstore is the control port's backend for a cluster of real TiKV stores. It is a client like any other:
//
//	requests of keys -> client-go -> leader of the region
//	regions, leaders, merges, operators -> PD's HTTP API
//	counters -> metrics on the status ports of the stores
package realstore

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/pingcap/kvproto/pkg/kvrpcpb"
	"github.com/tikv/client-go/v2/config"
	"github.com/tikv/client-go/v2/tikv"
	"github.com/tikv/client-go/v2/tikvrpc"
	"github.com/tikv/client-go/v2/txnkv"

	"tidb-spark.test/cluster/tidb/internal/control"
)

const (
	requestTimeout = 10 * time.Second
	backoffMs      = 15_000
	poll           = 30 * time.Millisecond
	retryOperator  = 4 * time.Second // PD forgets an operator that could not be carried out
	lockBatch      = 1024
)

// Backend answers the port's requests.
type Backend struct {
	client *txnkv.Client
	web    *web
}

var _ control.Backend = (*Backend)(nil)

// Open connects to a cluster. The files of the security settings are empty for plain text.
func Open(pd []string, security config.Security) (*Backend, error) {
	config.UpdateGlobal(func(c *config.Config) { c.Security = security })
	w := &web{client: &http.Client{}, scheme: "http", pd: pd}
	if security.ClusterSSLCA != "" {
		files, err := security.ToTLSConfig()
		if err != nil {
			return nil, err
		}
		w.scheme, w.client.Transport = "https", &http.Transport{TLSClientConfig: files}
	} else {
		w.client.Transport = &http.Transport{} // never through a proxy
	}
	client, err := txnkv.NewClient(pd)
	if err != nil {
		return nil, fmt.Errorf("connect to PD at %v: %w", pd, err)
	}
	return &Backend{client, w}, nil
}

// Close ends the connections.
func (b *Backend) Close() error { return b.client.Close() }

// Timestamp is a new one of PD.
func (b *Backend) Timestamp(ctx context.Context) (uint64, error) { return b.client.GetTimestamp(ctx) }

// place is a region as the client knows it now.
type place struct {
	client *txnkv.Client
	at     *tikv.KeyLocation
}

// Locate finds the region of a key.
func (b *Backend) Locate(ctx context.Context, key []byte) (control.Place, error) {
	at, err := b.locate(ctx, key)
	return at, err
}

func (b *Backend) locate(ctx context.Context, key []byte) (place, error) {
	at, err := b.client.GetRegionCache().LocateKey(tikv.NewBackofferWithVars(ctx, backoffMs, nil), key)
	return place{b.client, at}, err
}

func (p place) End() []byte { return p.at.EndKey }

// send asks the region's leader; T is the type of the answer.
func send[T any](ctx context.Context, p place, kind tikvrpc.CmdType, req any) (*T, error) {
	answer, err := p.client.SendReq(tikv.NewBackofferWithVars(ctx, backoffMs, nil), tikvrpc.NewRequest(kind, req), p.at.Region, requestTimeout)
	if err != nil {
		return nil, err
	}
	resp, ok := answer.Resp.(*T)
	if !ok {
		return nil, fmt.Errorf("%s was answered with a %T", kind, answer.Resp)
	}
	return resp, nil
}

func (p place) Scan(ctx context.Context, req *kvrpcpb.ScanRequest) (*kvrpcpb.ScanResponse, error) {
	return send[kvrpcpb.ScanResponse](ctx, p, tikvrpc.CmdScan, req)
}

func (p place) Prewrite(ctx context.Context, req *kvrpcpb.PrewriteRequest) (*kvrpcpb.PrewriteResponse, error) {
	return send[kvrpcpb.PrewriteResponse](ctx, p, tikvrpc.CmdPrewrite, req)
}

func (p place) PessimisticLock(ctx context.Context, req *kvrpcpb.PessimisticLockRequest) (*kvrpcpb.PessimisticLockResponse, error) {
	return send[kvrpcpb.PessimisticLockResponse](ctx, p, tikvrpc.CmdPessimisticLock, req)
}

// Regions are what PD knows, in key order, without gaps if that can be had within two seconds.
func (b *Backend) Regions(ctx context.Context) ([]control.Region, error) {
	for until := time.Now().Add(2 * time.Second); ; time.Sleep(poll) {
		regions, err := b.web.regions(ctx)
		if err != nil || covers(regions) || time.Now().After(until) {
			return regions, err
		}
	}
}

// Stores are those that PD counts.
func (b *Backend) Stores(ctx context.Context) ([]control.Store, error) {
	stores, err := b.web.stores(ctx)
	out := make([]control.Store, 0, len(stores))
	for _, s := range stores {
		out = append(out, control.Store{ID: s.ID, Address: s.Addr})
	}
	return out, err
}

// Methods are the calls that the stores have ended, summed. A store that does not answer counts nothing.
func (b *Backend) Methods(ctx context.Context) (any, int64, error) {
	stores, err := b.web.stores(ctx)
	totals := make(map[string]methodCount)
	for _, s := range stores {
		if page, err := b.web.call(ctx, http.MethodGet, s.Status, "/metrics", nil); err == nil {
			addCalls(totals, page)
		}
	}
	return totals, 0, err
}

// until polls a condition.
func until(ctx context.Context, what string, condition func() (bool, error)) error {
	for {
		done, err := condition()
		if err != nil || done {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: not done in time", what)
		case <-time.After(poll):
		}
	}
}

// Split cuts at raw keys and waits until PD knows of all.
func (b *Backend) Split(ctx context.Context, keys [][]byte) error {
	if _, err := b.client.SplitRegions(ctx, keys, false, nil); err != nil {
		return err
	}
	return until(ctx, "split", func() (bool, error) {
		regions, err := b.Regions(ctx)
		starts := make(map[string]bool, len(regions))
		for _, r := range regions {
			starts[r.StartKey] = true
		}
		for _, key := range keys {
			if !starts[hex.EncodeToString(key)] {
				return false, err
			}
		}
		return true, err
	})
}

// operate has PD carry out an operator, as often as it takes until the condition holds. What PD refuses at the end is in the error.
func (b *Backend) operate(ctx context.Context, operator map[string]any, done func() (bool, error)) error {
	body, err := json.Marshal(operator)
	if err != nil {
		return err
	}
	var refused error
	next := time.Now()
	err = until(ctx, fmt.Sprint(operator["name"]), func() (bool, error) {
		ok, err := done()
		if !ok && err == nil && time.Now().After(next) {
			refused = b.Schedule(ctx, body)
			next = time.Now().Add(retryOperator)
			if refused != nil {
				next = time.Now().Add(10 * poll)
			}
		}
		return ok, err
	})
	if err != nil && refused != nil {
		err = fmt.Errorf("%w; PD's words: %w", err, refused)
	}
	return err
}

// TransferLeader makes the region's peer in that store its leader.
func (b *Backend) TransferLeader(ctx context.Context, region, store uint64) error {
	operator := map[string]any{"name": "transfer-leader", "region_id": region, "to_store_id": store}
	return b.operate(ctx, operator, func() (bool, error) {
		r, err := b.web.region(ctx, region)
		if err != nil {
			return false, err
		}
		for _, p := range r.Peers {
			if p.StoreID == store {
				return r.Leader.StoreID == store, nil
			}
		}
		return false, fmt.Errorf("region %d has no peer in store %d", region, store)
	})
}

// Merge joins a region with its neighbour, which keeps its id.
func (b *Backend) Merge(ctx context.Context, source, target uint64) error {
	regions, err := b.Regions(ctx)
	if err != nil {
		return err
	}
	at := map[uint64]int{}
	for i, r := range regions {
		at[r.ID] = i
	}
	from, known := at[source]
	into, alsoKnown := at[target]
	if !known || !alsoKnown || (from-into != 1 && into-from != 1) {
		return fmt.Errorf("regions %d and %d are not neighbours", source, target)
	}
	operator := map[string]any{"name": "merge-region", "source_region_id": source, "target_region_id": target}
	return b.operate(ctx, operator, func() (bool, error) {
		regions, err := b.Regions(ctx)
		there := false
		for _, r := range regions {
			there = there || r.ID == source
		}
		return err == nil && !there && covers(regions), err
	})
}

// Schedule hands an operator to PD.
func (b *Backend) Schedule(ctx context.Context, operator json.RawMessage) error {
	return b.web.ask(ctx, http.MethodPost, "/pd/api/v1/operators", operator, nil)
}

// Locks are those of all regions, in key order.
func (b *Backend) Locks(ctx context.Context, limit int) ([]*kvrpcpb.LockInfo, error) {
	var out []*kvrpcpb.LockInfo
	for start := []byte{}; ; {
		at, err := b.locate(ctx, start)
		if err != nil {
			return nil, err
		}
		resp, err := send[kvrpcpb.ScanLockResponse](ctx, at, tikvrpc.CmdScanLock, &kvrpcpb.ScanLockRequest{
			MaxVersion: ^uint64(0), StartKey: start, EndKey: at.at.EndKey, Limit: lockBatch,
		})
		if err != nil {
			return nil, err
		}
		if resp.RegionError != nil { // the client has learned of it
			if ctx.Err() != nil {
				return nil, fmt.Errorf("locks from %x: %s", start, resp.RegionError)
			}
			time.Sleep(poll)
			continue
		}
		if resp.Error != nil {
			return nil, fmt.Errorf("locks from %x: %s", start, resp.Error)
		}
		out = append(out, resp.Locks...)
		if limit > 0 && len(out) >= limit {
			return out[:limit], nil
		}
		switch {
		case len(resp.Locks) == lockBatch:
			start = append(bytes.Clone(resp.Locks[lockBatch-1].Key), 0)
		case len(at.at.EndKey) == 0:
			return out, nil
		default:
			start = at.at.EndKey
		}
	}
}

// Faults are none.
func (b *Backend) Faults() any { return []string{} }

// SetFaults is for the test store.
func (b *Backend) SetFaults([]byte) error {
	return errors.New("a real TiKV has no fault rules; stop, freeze or kill a store, or use the test store")
}

// ClearFaults has nothing to remove.
func (b *Backend) ClearFaults() error { return nil }
