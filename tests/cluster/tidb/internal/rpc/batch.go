package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"

	"github.com/pingcap/kvproto/pkg/tikvpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// responseWrappers maps a response message to the case of BatchCommandsResponse that holds it.
var responseWrappers = func() map[reflect.Type]reflect.Type {
	out := make(map[reflect.Type]reflect.Type)
	for _, w := range new(tikvpb.BatchCommandsResponse_Response).XXX_OneofWrappers() {
		t := reflect.TypeOf(w).Elem()
		out[t.Field(0).Type] = t
	}
	return out
}()

type batchReply struct {
	id   uint64
	resp *tikvpb.BatchCommandsResponse_Response
}

// BatchCommands carries many requests on one stream. A request that ends in a gRPC error ends the
// stream, as the loss of a connection would: the protocol has no place for the error of one request.
func (s *Service) BatchCommands(stream tikvpb.Tikv_BatchCommandsServer) error {
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	replies := make(chan batchReply, 1024)
	failed := make(chan error, 2)
	fail := func(err error) {
		select {
		case failed <- err:
		default:
		}
	}
	go func() {
		for {
			in, err := stream.Recv()
			if err != nil {
				fail(err)
				return
			}
			ids := in.GetRequestIds()
			for i, req := range in.GetRequests() {
				if i >= len(ids) {
					fail(status.Error(codes.InvalidArgument, "a batch has fewer ids than requests"))
					return
				}
				go func() {
					resp, err := s.one(ctx, req)
					if err != nil {
						fail(err)
						return
					}
					select {
					case replies <- batchReply{ids[i], resp}:
					case <-ctx.Done():
					}
				}()
			}
		}
	}()
	for {
		var out tikvpb.BatchCommandsResponse
		add := func(r batchReply) {
			out.RequestIds, out.Responses = append(out.RequestIds, r.id), append(out.Responses, r.resp)
		}
		select {
		case err := <-failed:
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		case r := <-replies:
			add(r)
		}
		for more := true; more && len(out.Responses) < 128; {
			select {
			case r := <-replies:
				add(r)
			default:
				more = false
			}
		}
		if err := stream.Send(&out); err != nil {
			return err
		}
	}
}

// one executes a request of a batch by the method that takes its message.
func (s *Service) one(ctx context.Context, in *tikvpb.BatchCommandsRequest_Request) (*tikvpb.BatchCommandsResponse_Response, error) {
	if e := in.GetEmpty(); e != nil {
		return &tikvpb.BatchCommandsResponse_Response{Cmd: &tikvpb.BatchCommandsResponse_Response_Empty{
			Empty: &tikvpb.BatchCommandsEmptyResponse{TestId: e.TestId},
		}}, nil
	}
	cmd := reflect.ValueOf(in.GetCmd())
	if !cmd.IsValid() || cmd.IsNil() {
		return nil, status.Error(codes.Unimplemented, "a request of a batch is empty or of an unknown kind")
	}
	req := cmd.Elem().Field(0)
	m := s.pipe.byReq[req.Type()]
	if m == nil {
		return nil, status.Error(codes.Unimplemented, fmt.Sprintf("no method takes %s", req.Type()))
	}
	resp, err := s.pipe.invoke(ctx, m, req.Interface())
	if err != nil {
		return nil, err
	}
	wrapper, ok := responseWrappers[m.resp]
	if !ok {
		return nil, status.Error(codes.Unimplemented, fmt.Sprintf("no batch response holds %s", m.resp))
	}
	w := reflect.New(wrapper)
	w.Elem().Field(0).Set(reflect.ValueOf(resp))
	out := new(tikvpb.BatchCommandsResponse_Response)
	reflect.ValueOf(out).Elem().FieldByName("Cmd").Set(w)
	return out, nil
}
