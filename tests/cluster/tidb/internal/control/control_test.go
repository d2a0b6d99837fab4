package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pingcap/kvproto/pkg/errorpb"
	"github.com/pingcap/kvproto/pkg/kvrpcpb"
)

// fake is a backend of two regions, ["", "m") and ["m", ""), whose first answers fail as the test says.
type fake struct {
	regionErrors int // of the next requests
	locked       int // of the next prewrites
	asked        []string
}

type fakePlace struct {
	*fake
	end []byte
}

func (f *fake) Timestamp(context.Context) (uint64, error) { return 100, nil }
func (f *fake) Locate(_ context.Context, key []byte) (Place, error) {
	if string(key) < "m" {
		return fakePlace{f, []byte("m")}, nil
	}
	return fakePlace{f, nil}, nil
}
func (f *fake) Regions(context.Context) ([]Region, error) {
	return []Region{{ID: 1, StoreID: 7, EndKey: "6d"}, {ID: 2, StoreID: 7, StartKey: "6d"}}, nil
}
func (f *fake) Stores(context.Context) ([]Store, error) { return []Store{{7, "a"}, {8, "b"}}, nil }
func (f *fake) Methods(context.Context) (any, int64, error) {
	return map[string]int{}, 0, nil
}
func (f *fake) Split(context.Context, [][]byte) error                { return nil }
func (f *fake) TransferLeader(context.Context, uint64, uint64) error { return nil }
func (f *fake) Merge(context.Context, uint64, uint64) error          { return ErrNotHere }
func (f *fake) Schedule(context.Context, json.RawMessage) error      { return ErrNotHere }
func (f *fake) Locks(context.Context, int) ([]*kvrpcpb.LockInfo, error) {
	return []*kvrpcpb.LockInfo{{Key: []byte("k"), LockType: kvrpcpb.Op_Del, TxnSize: 3}}, nil
}
func (f *fake) Faults() any            { return []string{} }
func (f *fake) SetFaults([]byte) error { return errors.New("none here") }
func (f *fake) ClearFaults() error     { return nil }

func (f *fake) regionError() *errorpb.Error {
	if f.regionErrors--; f.regionErrors >= 0 {
		return &errorpb.Error{Message: "moved"}
	}
	return nil
}

func (p fakePlace) End() []byte { return p.end }
func (p fakePlace) Scan(_ context.Context, req *kvrpcpb.ScanRequest) (*kvrpcpb.ScanResponse, error) {
	if e := p.regionError(); e != nil {
		return &kvrpcpb.ScanResponse{RegionError: e}, nil
	}
	p.asked = append(p.asked, string(req.StartKey)+"-"+string(req.EndKey))
	return &kvrpcpb.ScanResponse{Pairs: []*kvrpcpb.KvPair{{Key: req.StartKey, Value: []byte{1}}}}, nil
}
func (p fakePlace) Prewrite(_ context.Context, req *kvrpcpb.PrewriteRequest) (*kvrpcpb.PrewriteResponse, error) {
	if e := p.regionError(); e != nil {
		return &kvrpcpb.PrewriteResponse{RegionError: e}, nil
	}
	if p.locked--; p.locked >= 0 {
		return &kvrpcpb.PrewriteResponse{Errors: []*kvrpcpb.KeyError{{Locked: &kvrpcpb.LockInfo{}}}}, nil
	}
	return &kvrpcpb.PrewriteResponse{MinCommitTs: req.StartVersion + 1}, nil
}
func (p fakePlace) PessimisticLock(context.Context, *kvrpcpb.PessimisticLockRequest) (*kvrpcpb.PessimisticLockResponse, error) {
	return &kvrpcpb.PessimisticLockResponse{Errors: []*kvrpcpb.KeyError{{Abort: "no"}}}, nil
}

func ask(t *testing.T, f *fake, method, path, body string) (int, string) {
	t.Helper()
	answer := httptest.NewRecorder()
	Handler(f).ServeHTTP(answer, httptest.NewRequest(method, path, bytes.NewBufferString(body)))
	return answer.Code, strings.TrimSpace(answer.Body.String())
}

func TestPairsAreScannedRegionByRegion(t *testing.T) {
	f := &fake{regionErrors: 3}
	code, body := ask(t, f, "GET", "/kv?start=61&end=7a", "")
	want := `[{"key":"61","value":"01"},{"key":"6d","value":"01"}]`
	if code != http.StatusOK || body != want || strings.Join(f.asked, " ") != "a-m m-z" {
		t.Fatal(code, body, f.asked)
	}
	f.regionErrors = 1000
	if code, body = ask(t, f, "GET", "/kv?start=61&end=7a", ""); code != http.StatusBadRequest || !strings.Contains(body, "moved") {
		t.Fatal(code, body)
	}
}

func TestLocksWaitForARegionAndForAnotherTransaction(t *testing.T) {
	f := &fake{regionErrors: 2, locked: 2}
	code, body := ask(t, f, "POST", "/lock", `{"primary": "61", "keys": ["61", "7a"], "async_commit": true}`)
	if code != http.StatusOK || body != `{"start_ts":100,"locked":2,"min_commit_ts":101}` {
		t.Fatal(code, body)
	}
	code, body = ask(t, f, "POST", "/lock", `{"primary": "61", "keys": ["61"], "pessimistic": true}`)
	if code != http.StatusBadRequest || !strings.Contains(body, "locked before: 0") {
		t.Fatal(code, body)
	}
}

func TestAnswersAndRefusals(t *testing.T) {
	f := &fake{}
	for _, c := range []struct {
		method, path, body string
		code               int
		part               string
	}{
		{"GET", "/stats", "", 200, `"regions":2,"stores":[{"id":7,"address":"a","leaders":2},{"id":8,"address":"b","leaders":0}]`},
		{"POST", "/split", `{"keys": ["6d"]}`, 200, `{"regions":2}`},
		{"POST", "/split", `{"keys": []}`, 400, "is needed"},
		{"POST", "/split", `{"key": "xy"}`, 400, "xy"},
		{"POST", "/split", `{"unknown": 1}`, 400, "unknown field"},
		{"POST", "/merge", `{"region_id": 1, "target_id": 2}`, 400, "not with this store"},
		{"POST", "/schedule", `{"name": "x"}`, 400, "not with this store"},
		{"POST", "/schedule", `{`, 400, "JSON"},
		{"POST", "/transfer_leader", `{"region_id": 1, "store_id": 7}`, 200, `{"region_id":1,"store_id":7}`},
		{"POST", "/faults", `[]`, 400, "none here"},
		{"DELETE", "/faults", "", 200, "[]"},
		{"GET", "/locks?limit=x", "", 400, "limit"},
		{"GET", "/locks", "", 200, `"key":"6b"`},
		{"POST", "/lock", `{"primary": "61", "keys": ["61"], "op": "x"}`, 400, "op one of"},
	} {
		code, body := ask(t, f, c.method, c.path, c.body)
		if code != c.code || !strings.Contains(body, c.part) {
			t.Errorf("%s %s %s: %d %s", c.method, c.path, c.body, code, body)
		}
	}
}
