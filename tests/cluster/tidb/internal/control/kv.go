package control

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"net/http"
	"time"

	"github.com/pingcap/kvproto/pkg/kvrpcpb"

	"tidb-spark.test/cluster/tidb/internal/region"
)

const (
	scanBatch  = 4096
	scanTries  = 20
	scanWithin = 30 * time.Second
)

type pairView struct {
	Key   string `json:"key"`   // hex of the raw key
	Value string `json:"value"` // hex
}

// kv lists the newest committed pairs of [start, end), raw keys in hex, in key order. A lock in the range is
// an error: what the pair will be is not known then. It goes around faults and counters.
func (c *Control) kv(r *http.Request, _ []byte) (any, error) {
	query := r.URL.Query()
	ends, err := unhex(query.Get("start"), query.Get("end"))
	if err != nil {
		return nil, err
	}
	start, end := ends[0], ends[1]
	if len(end) == 0 {
		return nil, fmt.Errorf("start and end (hex of raw keys) are needed")
	}
	ctx, cancel := context.WithTimeout(r.Context(), scanWithin)
	defer cancel()
	physical, logical, err := c.PD.GetTS(ctx)
	if err != nil {
		return nil, err
	}
	version := uint64(physical)<<18 + uint64(logical)
	out := []pairView{}
	for failures := 0; bytes.Compare(start, end) < 0; {
		at := c.Pipe.Regions.Locate(start)
		if at == nil {
			return nil, fmt.Errorf("no region holds %x", start)
		}
		pairs, regionError, err := c.scan(ctx, at, start, end, version)
		if err != nil {
			return nil, err
		}
		if regionError != nil { // split in between
			if failures++; failures > scanTries {
				return nil, fmt.Errorf("scan from %x: %v", start, regionError)
			}
			continue
		}
		for _, pair := range pairs {
			if pair.Error != nil {
				return nil, fmt.Errorf("scan from %x: %s", start, pair.Error)
			}
			out = append(out, pairView{hex.EncodeToString(pair.Key), hex.EncodeToString(pair.Value)})
		}
		if len(pairs) == scanBatch {
			start = append(bytes.Clone(pairs[len(pairs)-1].Key), 0)
		} else if len(at.Meta().EndKey) == 0 {
			break
		} else {
			start = at.RawEnd()
		}
	}
	return out, nil
}

func (c *Control) scan(ctx context.Context, at *region.Region, start, end []byte, version uint64) ([]*kvrpcpb.KvPair, any, error) {
	if len(at.Meta().EndKey) > 0 && bytes.Compare(at.RawEnd(), end) < 0 {
		end = at.RawEnd()
	}
	resp, err := c.Stores[at.Leader().StoreId].KvScan(ctx, &kvrpcpb.ScanRequest{
		Context:  &kvrpcpb.Context{RegionId: at.Meta().Id, RegionEpoch: at.Meta().RegionEpoch, Peer: at.Leader()},
		StartKey: start, EndKey: end, Limit: scanBatch, Version: version,
	})
	if err != nil {
		return nil, nil, err
	}
	if resp.RegionError != nil {
		return nil, resp.RegionError, nil
	}
	return resp.Pairs, nil, nil
}
