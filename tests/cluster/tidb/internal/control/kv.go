package control

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/pingcap/kvproto/pkg/kvrpcpb"
)

const (
	scanBatch = 4096
	scanTries = 20
	again     = 20 * time.Millisecond // between two tries
)

type pairView struct {
	Key   string `json:"key"`   // hex of the raw key
	Value string `json:"value"` // hex
}

// kv lists the newest committed pairs of [start, end), raw keys in hex, in key order. A lock in the range is
// an error: what the pair will be is not known then. It goes around faults and counters.
func (p port) kv(ctx context.Context, r *http.Request, _ []byte) (any, error) {
	query := r.URL.Query()
	ends, err := unhex(query.Get("start"), query.Get("end"))
	if err != nil {
		return nil, err
	}
	start, end := ends[0], ends[1]
	if len(end) == 0 {
		return nil, errors.New("start and end (hex of raw keys) are needed")
	}
	version, err := p.Timestamp(ctx)
	if err != nil {
		return nil, err
	}
	out := []pairView{}
	for failures := 0; bytes.Compare(start, end) < 0; {
		at, err := p.Locate(ctx, start)
		if err != nil {
			return nil, err
		}
		to := end
		if last := at.End(); len(last) > 0 && bytes.Compare(last, end) < 0 {
			to = last
		}
		resp, err := at.Scan(ctx, &kvrpcpb.ScanRequest{StartKey: start, EndKey: to, Limit: scanBatch, Version: version})
		if err != nil {
			return nil, err
		}
		if resp.RegionError != nil { // split in between
			if failures++; failures > scanTries {
				return nil, fmt.Errorf("scan from %x: %v", start, resp.RegionError)
			}
			time.Sleep(again)
			continue
		}
		if resp.Error != nil {
			return nil, fmt.Errorf("scan from %x: %s", start, resp.Error)
		}
		for _, pair := range resp.Pairs {
			if pair.Error != nil {
				return nil, fmt.Errorf("scan from %x: %s", start, pair.Error)
			}
			out = append(out, pairView{hex.EncodeToString(pair.Key), hex.EncodeToString(pair.Value)})
		}
		if len(resp.Pairs) == scanBatch {
			start = append(bytes.Clone(resp.Pairs[len(resp.Pairs)-1].Key), 0)
		} else {
			start = to
		}
	}
	return out, nil
}
