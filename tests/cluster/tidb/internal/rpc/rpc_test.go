package rpc

import (
	"context"
	"errors"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pingcap/kvproto/pkg/coprocessor"
	"github.com/pingcap/kvproto/pkg/errorpb"
	"github.com/pingcap/kvproto/pkg/kvrpcpb"
	"github.com/pingcap/kvproto/pkg/tikvpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"tidb-spark.test/cluster/tidb/internal/fault"
	"tidb-spark.test/cluster/tidb/internal/region"
)

func pipeline() *Pipeline {
	p := NewPipeline(&region.Local{Manager: new(region.Manager)}, NewShared())
	p.Bind(new(Service))
	return p
}

func rules(t *testing.T, p *Pipeline, list ...fault.Rule) {
	t.Helper()
	if err := p.Faults.Replace(list, p.Known); err != nil {
		t.Fatal(err)
	}
}

func call(p *Pipeline, name string, req any, next grpc.UnaryHandler) (any, error) {
	return p.Interceptor(context.Background(), req, &grpc.UnaryServerInfo{FullMethod: "/tikvpb.Tikv/" + name}, next)
}

func TestEveryRequestOfABatchHasAMethodAndAPlaceForItsResponse(t *testing.T) {
	p := pipeline()
	served := 0
	for _, w := range new(tikvpb.BatchCommandsRequest_Request).XXX_OneofWrappers() {
		req := reflect.TypeOf(w).Elem().Field(0)
		m := p.byReq[req.Type]
		if m == nil {
			if req.Name != "Empty" && req.Name != "Import" {
				t.Errorf("no method takes %s", req.Type)
			}
			continue
		}
		served++
		if _, rpc := reflect.TypeFor[tikvpb.TikvServer]().MethodByName(m.name); !rpc {
			t.Errorf("%s is taken by %s, which is no RPC", req.Type, m.name)
		}
		if responseWrappers[m.resp] == nil {
			t.Errorf("no batch response holds %s", m.resp)
		}
	}
	if served < 25 {
		t.Errorf("only %d requests are served", served)
	}
}

func TestEveryRegionErrorKindSetsItsField(t *testing.T) {
	p := pipeline()
	for _, kind := range fault.RegionErrors {
		for _, name := range []string{"Coprocessor", "KvGet", "KvPrewrite", "KvCommit"} {
			rules(t, p, fault.Rule{Method: name, Kind: kind})
			resp, err := call(p, name, reflect.New(requestOf(p, name).Elem()).Interface(), func(context.Context, any) (any, error) {
				t.Errorf("%s: %s was executed", kind, name)
				return nil, nil
			})
			if err != nil {
				t.Fatalf("%s: %v", kind, err)
			}
			e := resp.(interface{ GetRegionError() *errorpb.Error }).GetRegionError()
			data, err := e.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			// The message and exactly one field more: the latter is what clients look at.
			bare := &errorpb.Error{Message: e.GetMessage()}
			if len(data) <= bare.Size() {
				t.Errorf("%s: nothing but a message in %v", kind, e)
			}
		}
	}
}

func requestOf(p *Pipeline, name string) reflect.Type { return p.methods[name].call.Type().In(1) }

func TestUndeterminedResultIsField22(t *testing.T) {
	e := regionError("undetermined_result", 0, &region.Local{Manager: new(region.Manager)}, nil, nil)
	data, err := e.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if tail := data[len(data)-3:]; tail[0] != 0xb2 || tail[1] != 1 || tail[2] != 0 { // 22<<3|2 = 178
		t.Errorf("ends in %x", tail)
	}
}

func TestKindsAroundExecution(t *testing.T) {
	executed := 0
	run := func(context.Context, any) (any, error) { executed++; return new(kvrpcpb.RawGetResponse), nil }
	p := pipeline()
	exited := 0
	p.exit = func(code int) {
		if code != ExitKilled {
			t.Errorf("exit code %d", code)
		}
		exited++
	}
	for _, c := range []struct {
		kind           string
		executed, exit int
		code           codes.Code
	}{
		{fault.Unavailable, 0, 0, codes.Unavailable}, {fault.DropReply, 1, 0, codes.Unavailable},
		{fault.Kill, 1, 1, codes.OK}, {fault.KillAfter, 1, 1, codes.OK},
	} {
		executed, exited = 0, 0
		rules(t, p, fault.Rule{Method: "ReadIndex", Kind: c.kind})
		_, err := call(p, "ReadIndex", new(kvrpcpb.ReadIndexRequest), run)
		if status.Code(err) != c.code || executed != c.executed || exited != c.exit {
			t.Errorf("%s: error %v, executed %d, exited %d", c.kind, err, executed, exited)
		}
	}
}

func TestLateIsExecutedAfterTheAnswer(t *testing.T) {
	p := pipeline()
	rules(t, p, fault.Rule{Method: "ReadIndex", Kind: fault.Late, Ms: 20})
	executed := make(chan time.Time, 1)
	_, err := call(p, "ReadIndex", new(kvrpcpb.ReadIndexRequest), func(context.Context, any) (any, error) {
		executed <- time.Now()
		return new(kvrpcpb.ReadIndexResponse), nil
	})
	answered := time.Now()
	if status.Code(err) != codes.Unavailable {
		t.Errorf("error %v", err)
	}
	select {
	case at := <-executed:
		if at.Before(answered) {
			t.Error("executed before the answer")
		}
	case <-time.After(5 * time.Second):
		t.Error("never executed")
	}
}

func TestPanicBecomesAnError(t *testing.T) {
	p := pipeline()
	_, err := call(p, "Coprocessor", new(coprocessor.Request), func(context.Context, any) (any, error) { panic("no field type") })
	if status.Code(err) != codes.Internal {
		t.Errorf("error %v", err)
	}
	if s := p.Stats.Snapshot()["Coprocessor"]; s.Panics != 1 || s.InFlight != 0 || s.Errors != 1 {
		t.Errorf("counters %+v", s)
	}
	// The gate of the region must be free again.
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.gates.enter(&kvrpcpb.PrewriteRequest{UseAsyncCommit: true})()
	}()
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		t.Error("a panic left the gate closed")
	}
}

func TestHangEndsWithTheCaller(t *testing.T) {
	p := pipeline()
	rules(t, p, fault.Rule{Method: "Coprocessor", Kind: fault.Hang})
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(20*time.Millisecond, cancel)
	_, err := p.Interceptor(ctx, new(coprocessor.Request), &grpc.UnaryServerInfo{FullMethod: "/tikvpb.Tikv/Coprocessor"},
		func(context.Context, any) (any, error) { return nil, errors.New("executed") })
	if status.Code(err) != codes.Canceled {
		t.Errorf("error %v", err)
	}
	if s := p.Stats.Snapshot()["Coprocessor"]; s.Cancelled != 1 {
		t.Errorf("counters %+v", s)
	}
}

func TestAsyncCommitPrewriteHasTheRegionForItself(t *testing.T) {
	p := pipeline()
	var reading atomic.Int32
	at := func(region uint64) *kvrpcpb.Context { return &kvrpcpb.Context{RegionId: region} }
	leave := p.gates.enter(&kvrpcpb.PrewriteRequest{Context: at(1), TryOnePc: true})
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer p.gates.enter(&coprocessor.Request{Context: at(2), Tasks: []*coprocessor.StoreBatchTask{{RegionId: 1}}})()
		reading.Store(1)
	}()
	p.gates.enter(&kvrpcpb.GetRequest{Context: at(3)})() // another region is free
	time.Sleep(20 * time.Millisecond)
	if reading.Load() != 0 {
		t.Error("a read entered beside the prewrite")
	}
	leave()
	<-done
}

func TestTxnSizeIsRemembered(t *testing.T) {
	var s txnSizes
	s.observe(&kvrpcpb.PrewriteRequest{Context: &kvrpcpb.Context{RegionId: 3}, StartVersion: 9, TxnSize: 40}, nil)
	for region, start := range map[uint64]uint64{3: 9, 4: 9, 5: 8} {
		l := &kvrpcpb.LockInfo{LockVersion: start}
		s.fill(region, &coprocessor.Response{Locked: l})
		if want := map[uint64]uint64{9: 40, 8: 0}[start]; l.TxnSize != want {
			t.Errorf("region %d, transaction %d: size %d", region, start, l.TxnSize)
		}
	}
}
