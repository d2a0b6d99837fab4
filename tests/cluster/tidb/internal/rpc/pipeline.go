// Package rpc puts TiDB's test store behind the checks, faults and counters of the test cluster.
//
//	gRPC unary call ------> Interceptor --+
//	                                      +--> Pipeline.do: count, fault, key check, execute, recover
//	BatchCommands stream -> batch.go -----+
//
// TiDB sends nearly everything through BatchCommands, other clients through unary calls; both take
// the same path here, so that a fault hits whoever sends the request.
package rpc

import (
	"context"
	"os"
	"path"
	"reflect"
	"strings"
	"time"

	"github.com/pingcap/kvproto/pkg/errorpb"
	"github.com/pingcap/kvproto/pkg/tikvpb"
	"github.com/pingcap/log"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"tidb-spark.test/cluster/tidb/internal/fault"
	"tidb-spark.test/cluster/tidb/internal/region"
)

// ExitKilled is the exit code of a process that a fault has killed.
const ExitKilled = 137

// Pipeline is what every request to one store passes.
type Pipeline struct {
	*Shared
	Regions *region.Local
	methods map[string]*method
	byReq   map[reflect.Type]*method
}

// Shared is what the pipelines of all stores of a process have in common.
type Shared struct {
	Faults    *fault.Set
	Stats     *Stats
	txnSize   txnSizes
	rollbacks rollbacks
	gates     gates
	exit      func(int)
}

// NewShared makes it, without rules and with all counters at zero.
func NewShared() *Shared { return &Shared{Faults: new(fault.Set), Stats: newStats(), exit: os.Exit} }

// method is one unary RPC of the service.
type method struct {
	name        string
	call        reflect.Value // func(context.Context, *Req) (*Resp, error)
	resp        reflect.Type
	regionError bool
}

// NewPipeline makes the pipeline; Bind gives it the service.
func NewPipeline(regions *region.Local, shared *Shared) *Pipeline {
	return &Pipeline{Regions: regions, Shared: shared}
}

// Bind takes the unary RPCs of a service: the methods of the gRPC interface that map one message to
// one message.
func (p *Pipeline) Bind(service tikvpb.TikvServer) {
	p.methods, p.byReq = make(map[string]*method), make(map[reflect.Type]*method)
	ctxType := reflect.TypeFor[context.Context]()
	rpcs := reflect.TypeFor[tikvpb.TikvServer]()
	for i := range rpcs.NumMethod() {
		name := rpcs.Method(i).Name
		fn := reflect.ValueOf(service).MethodByName(name)
		t := fn.Type()
		if t.NumIn() != 2 || t.NumOut() != 2 || t.In(0) != ctxType {
			continue // a stream
		}
		m := &method{name: name, call: fn, resp: t.Out(0), regionError: carriesRegionError(t.Out(0))}
		p.methods[m.name] = m
		p.byReq[t.In(1)] = m
	}
}

// Known tells whether a method of this name exists.
func (p *Pipeline) Known(name string) bool { _, ok := p.methods[name]; return ok }

// Interceptor is the entry of unary calls.
func (p *Pipeline) Interceptor(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	m := p.methods[path.Base(info.FullMethod)]
	if m == nil { // the health service
		return next(ctx, req)
	}
	return p.do(ctx, m, req, func() (any, error) { return next(ctx, req) })
}

// StreamInterceptor keeps the process alive when a stream panics.
func (p *Pipeline) StreamInterceptor(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			name := path.Base(info.FullMethod)
			p.Stats.panicked(name)
			log.Error("panic in a stream", zap.String("method", name), zap.Any("cause", cause))
			err = status.Errorf(codes.Internal, "the store panicked in %s: %v", name, cause)
		}
	}()
	return next(srv, stream)
}

// invoke is the entry of requests that came in a batch.
func (p *Pipeline) invoke(ctx context.Context, m *method, req any) (any, error) {
	return p.do(ctx, m, req, func() (any, error) {
		out := m.call.Call([]reflect.Value{reflect.ValueOf(ctx), reflect.ValueOf(req)})
		err, _ := out[1].Interface().(error)
		return out[0].Interface(), err
	})
}

func (p *Pipeline) do(ctx context.Context, m *method, req any, next func() (any, error)) (resp any, err error) {
	done := p.Stats.begin(m.name)
	defer func() {
		if cause := recover(); cause != nil {
			p.Stats.panicked(m.name)
			// The logger adds the stack, which at this point is still that of the panic.
			log.Error("panic in a request", zap.String("method", m.name), zap.Any("cause", cause),
				zap.Stringer("context", contextOf(req)))
			resp, err = nil, status.Errorf(codes.Internal, "the store panicked in %s: %v", m.name, cause)
		}
		done(ctx, err)
	}()
	if strings.HasPrefix(m.name, "Raw") || m.name == "KvImport" {
		// The embedded server answers these with success and does nothing.
		return nil, status.Errorf(codes.Unimplemented, "%s is not served by the test store", m.name)
	}
	kctx, ranges := contextOf(req), rangesOf(req)
	act := p.Faults.Match(fault.Probe{
		Method: m.name, StoreID: p.Regions.StoreID(), RegionID: kctx.GetRegionId(), RequestSource: kctx.GetRequestSource(),
		StaleRead: kctx.GetStaleRead(), ReplicaRead: kctx.GetReplicaRead(), Ranges: ranges,
	}, m.regionError)
	if act.DelayMs > 0 {
		select {
		case <-time.After(time.Duration(act.DelayMs) * time.Millisecond):
		case <-ctx.Done():
			return nil, status.FromContextError(ctx.Err()).Err()
		}
	}
	switch {
	case act.Kind == fault.Unavailable:
		return nil, status.Error(codes.Unavailable, "injected fault: unavailable")
	case act.Kind == fault.Late:
		go p.later(time.Duration(act.Ms)*time.Millisecond, req, next)
		return nil, status.Error(codes.Unavailable, "injected fault: late")
	case act.Kind == fault.Hang:
		select {
		case <-ctx.Done():
			return nil, status.FromContextError(ctx.Err()).Err()
		case <-act.Changed:
			return nil, status.Error(codes.Unavailable, "injected fault: hang, ended by new rules")
		}
	case act.Kind == fault.Kill:
		p.kill(m.name, "before")
	case fault.IsRegionError(act.Kind):
		return withRegionError(m.resp, regionError(act.Kind, act.Ms, p.Regions, kctx, ranges)), nil
	}
	if refused := p.checkKeys(m, req); refused != nil {
		return refused, nil
	}
	p.rollbacks.observe(req)
	resp, err = p.execute(req, next)
	switch act.Kind {
	case fault.DropReply:
		return nil, status.Error(codes.Unavailable, "injected fault: the reply was dropped")
	case fault.KillAfter:
		p.kill(m.name, "after")
	}
	if err == nil {
		p.txnSize.observe(req, resp)
		p.txnSize.fill(kctx.GetRegionId(), resp)
	}
	return resp, err
}

func (p *Pipeline) execute(req any, next func() (any, error)) (any, error) {
	leave := p.gates.enter(req)
	defer leave() // also when the request panics
	return next()
}

// later executes a request when its caller has long had another answer, as the network does with a packet
// that it held back.
func (p *Pipeline) later(wait time.Duration, req any, next func() (any, error)) {
	defer func() {
		if cause := recover(); cause != nil {
			log.Error("a late request panicked", zap.Any("cause", cause))
		}
	}()
	time.Sleep(wait)
	_, err := p.execute(req, next)
	log.Info("a late request was executed", zap.Error(err))
}

func (p *Pipeline) kill(method, when string) {
	log.Warn("injected fault: the process exits", zap.String("method", method), zap.String("when", when))
	_ = log.Sync()
	p.exit(ExitKilled)
}

// checkKeys refuses keys outside the region of the request, as TiKV does: it is the response then. TiDB's store does
// not look, so that a client which groups keys wrongly would pass its tests here and fail elsewhere.
func (p *Pipeline) checkKeys(m *method, req any) any {
	keys := keysInRegion(req)
	if len(keys) == 0 || !m.regionError {
		return nil
	}
	r, regErr := p.Regions.Check(contextOf(req))
	if regErr != nil {
		return withRegionError(m.resp, regErr)
	}
	for _, k := range keys {
		if k.Point && !r.Contains(k.Start) {
			text := keyOutside(k.Start, r)
			if resp := withKeyError(m.resp, k.Start, text); resp != nil {
				return resp
			}
			return withRegionError(m.resp, &errorpb.Error{Message: text})
		}
	}
	return nil
}
