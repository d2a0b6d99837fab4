package realstore

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"tidb-spark.test/cluster/tidb/internal/control"
)

func TestCallsAreSummedByRPCName(t *testing.T) {
	page := []byte(`# HELP tikv_grpc_msg_duration_seconds Bucketed histogram of grpc server messages
tikv_grpc_msg_duration_seconds_bucket{priority="unknown",type="kv_get",le="1"} 7
tikv_grpc_msg_duration_seconds_count{priority="medium",type="coprocessor"} 3
tikv_grpc_msg_duration_seconds_count{priority="low",type="coprocessor"} 2
tikv_grpc_msg_duration_seconds_count{type="kv_batch_get"} 4
tikv_grpc_msg_duration_seconds_count{type="kv_get"} many
`)
	totals := map[string]methodCount{"KvBatchGet": {1}}
	addCalls(totals, page)
	want := map[string]methodCount{"Coprocessor": {5}, "KvBatchGet": {5}}
	if !reflect.DeepEqual(totals, want) {
		t.Fatal(totals)
	}
}

func TestRegionsOfAHalfKnownSplitDoNotCover(t *testing.T) {
	whole := []control.Region{{EndKey: "6d"}, {StartKey: "6d", EndKey: "74"}, {StartKey: "74"}}
	if !covers(whole) || !covers([]control.Region{{}}) {
		t.Fatal("a whole key space")
	}
	for name, part := range map[string][]control.Region{
		"none": nil, "no middle": {whole[0], whole[2]}, "no first": whole[1:], "no last": whole[:2],
	} {
		if covers(part) {
			t.Fatal(name)
		}
	}
}

// pdThatAnswers is a member of PD with one answer for every path.
func pdThatAnswers(t *testing.T, code int, answer string) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = w.Write([]byte(answer))
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func TestTheNextMemberIsAskedWhenOneIsGone(t *testing.T) {
	good := pdThatAnswers(t, 200, `{"regions": [
		{"id": 2, "start_key": "7400000000000000F8", "end_key": "", "leader": {"id": 3, "store_id": 1}, "peers": [{"id": 3, "store_id": 1}],
		 "epoch": {"conf_ver": 1, "version": 5}, "approximate_size": 2},
		{"id": 1, "start_key": "", "end_key": "7400000000000000F8"}]}`)
	w := &web{client: &http.Client{}, scheme: "http", pd: []string{"127.0.0.1:1", good}}
	regions, err := w.regions(context.Background())
	if err != nil || len(regions) != 2 || !covers(regions) {
		t.Fatal(regions, err)
	}
	want := control.Region{ID: 2, Leader: 3, StoreID: 1, StartKey: "74", ConfVer: 1, Version: 5, Size: 2 << 20, Peers: []control.Peer{{ID: 3, StoreID: 1}}}
	if !reflect.DeepEqual(regions[1], want) {
		t.Fatalf("%+v", regions[1])
	}
}

func TestARefusalIsPDsOwnWords(t *testing.T) {
	b := &Backend{web: &web{client: &http.Client{}, scheme: "http", pd: []string{pdThatAnswers(t, 400, `"unknown operator"`)}}}
	err := b.Schedule(context.Background(), json.RawMessage(`{"name": "nonsense"}`))
	if err == nil || !strings.Contains(err.Error(), "unknown operator") {
		t.Fatal(err)
	}
}
