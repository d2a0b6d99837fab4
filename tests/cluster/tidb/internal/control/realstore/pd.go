package realstore

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sort"
	"sync/atomic"
	"time"

	"github.com/pingcap/kvproto/pkg/metapb"

	"tidb-spark.test/cluster/tidb/internal/control"
)

const patience = 3 * time.Second // with a server that does not answer; PD's members are asked in turn

// web speaks HTTP with PD and the stores' status ports.
type web struct {
	client *http.Client
	scheme string
	pd     []string
	good   atomic.Int32 // the member that has answered last
}

// call sends one request and returns the body of a good answer; a refusal is an error with the server's words.
func (w *web) call(ctx context.Context, method, address, path string, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, w.scheme+"://"+address+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	resp, err := w.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode/100 != 2 {
		err = refusal(fmt.Sprintf("%s %s: %d %s", method, path, resp.StatusCode, bytes.TrimSpace(answer)))
	}
	return answer, err
}

// refusal is an answer that says no; another member would say the same.
type refusal string

func (r refusal) Error() string { return string(r) }

// ask sends a request to a member of PD that answers and decodes its JSON. The one that has answered last is asked first, as another may be frozen.
func (w *web) ask(ctx context.Context, method, path string, body []byte, into any) error {
	var last error
	first := int(w.good.Load())
	for i := range w.pd {
		member := (first + i) % len(w.pd)
		answer, err := w.call(ctx, method, w.pd[member], path, body)
		if err == nil {
			w.good.Store(int32(member))
			if into == nil {
				return nil
			}
			return json.Unmarshal(answer, into)
		}
		last = err
		if _, no := err.(refusal); no && method != http.MethodGet {
			break
		}
	}
	return last
}

// pdRegion is a region in PD's JSON.
type pdRegion struct {
	ID    uint64 `json:"id"`
	Start string `json:"start_key"`
	End   string `json:"end_key"`
	Epoch struct {
		ConfVer uint64 `json:"conf_ver"`
		Version uint64 `json:"version"`
	} `json:"epoch"`
	Peers  []pdPeer `json:"peers"`
	Leader pdPeer   `json:"leader"`
	MiB    int64    `json:"approximate_size"`
}

type pdPeer struct {
	ID      uint64 `json:"id"`
	StoreID uint64 `json:"store_id"`
}

func (p pdPeer) meta() *metapb.Peer { return &metapb.Peer{Id: p.ID, StoreId: p.StoreID} }

func (r pdRegion) view() (control.Region, error) {
	meta := &metapb.Region{Id: r.ID, RegionEpoch: &metapb.RegionEpoch{ConfVer: r.Epoch.ConfVer, Version: r.Epoch.Version}}
	var err error
	if meta.StartKey, err = hex.DecodeString(r.Start); err != nil {
		return control.Region{}, err
	}
	if meta.EndKey, err = hex.DecodeString(r.End); err != nil {
		return control.Region{}, err
	}
	for _, p := range r.Peers {
		meta.Peers = append(meta.Peers, p.meta())
	}
	return control.ViewOf(meta, r.Leader.meta(), r.MiB<<20)
}

// region is what PD knows of one region; one without an id when it knows none.
func (w *web) region(ctx context.Context, id uint64) (pdRegion, error) {
	var r pdRegion
	err := w.ask(ctx, http.MethodGet, fmt.Sprintf("/pd/api/v1/region/id/%d", id), nil, &r)
	return r, err
}

// regions are all that PD knows, in key order.
func (w *web) regions(ctx context.Context) ([]control.Region, error) {
	var all struct {
		Regions []pdRegion `json:"regions"`
	}
	if err := w.ask(ctx, http.MethodGet, "/pd/api/v1/regions", nil, &all); err != nil {
		return nil, err
	}
	out := make([]control.Region, 0, len(all.Regions))
	for _, r := range all.Regions {
		view, err := r.view()
		if err != nil {
			return nil, err
		}
		out = append(out, view)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].StartKey < out[j].StartKey })
	return out, nil
}

// pdStore is a store in PD's JSON.
type pdStore struct {
	ID     uint64 `json:"id"`
	Addr   string `json:"address"`
	Status string `json:"status_address"`
}

func (w *web) stores(ctx context.Context) ([]pdStore, error) {
	var all struct {
		Stores []struct {
			Store pdStore `json:"store"`
		} `json:"stores"`
	}
	err := w.ask(ctx, http.MethodGet, "/pd/api/v1/stores", nil, &all)
	out := make([]pdStore, 0, len(all.Stores))
	for _, s := range all.Stores {
		out = append(out, s.Store)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].ID < out[j].ID })
	return out, err
}

// covers says whether regions in key order follow on each other without a gap. Just after a split PD may have heard of one half only.
func covers(regions []control.Region) bool {
	if len(regions) == 0 || regions[0].StartKey != "" || regions[len(regions)-1].EndKey != "" {
		return false
	}
	for i := 1; i < len(regions); i++ {
		if regions[i-1].EndKey != regions[i].StartKey {
			return false
		}
	}
	return true
}
