// Package strict knows which coprocessor requests TiKV refuses and which it understands otherwise than TiDB's
// test store does. The test store is written for TiDB's own requests, which are always right; a client under test
// that sends others must be told here what TiKV would tell it.
//
//	request -> Build (parts that need only the request) -> Plan.Ranges -> embedded store
//	                                                    -> Plan.Index.CheckPair (what needs the data)
//
// File names in comments and messages are those of TiKV's source, of the commit that the tests also run against
// as a program (9.0.0-beta.2, 8e964719). Facts are taken from there, no code.
package strict

import (
	"fmt"

	"github.com/pingcap/kvproto/pkg/coprocessor"
	"github.com/pingcap/tipb/go-tipb"
)

// Refusal is an error of TiKV for a coprocessor request.
type Refusal struct {
	Source  string // file of TiKV that refuses; "" for what TiKV does not refuse but answers wrongly
	Msg     string
	Panics  bool  // TiKV panics, which ends its process
	Running bool  // found while rows are read, not while executors are built
	Code    int32 // of a running error; 0 stands for 10000
}

// otherCode is EvaluateError::Other, components/tidb_query_common/src/error.rs.
const otherCode = 10000

// Error has the form of TiKV's messages, which begin with file and line; the line is left out.
func (r *Refusal) Error() string {
	switch {
	case r.Panics:
		return "refused by the test store, TiKV would end with a panic in " + r.Source + ": " + r.Msg
	case r.Source == "":
		return "refused by the test store, TiKV would answer wrongly: " + r.Msg
	}
	return "[" + r.Source + "]: " + r.Msg
}

// Response is how the error reaches the client: an error while executors are built (and one of the storage) is
// other_error of the response, one of the executors is the error of the SelectResponse in its data
// (src/coprocessor/dag/mod.rs handle_qe_response, src/coprocessor/endpoint.rs make_error_response).
func (r *Refusal) Response() *coprocessor.Response {
	if !r.Running {
		return &coprocessor.Response{OtherError: r.Error()}
	}
	code := r.Code
	if code == 0 {
		code = otherCode
	}
	data, err := (&tipb.SelectResponse{Error: &tipb.Error{Code: code, Msg: r.Error()}}).Marshal()
	if err != nil {
		return &coprocessor.Response{OtherError: err.Error()}
	}
	return &coprocessor.Response{Data: data}
}

func refuse(source, format string, args ...any) *Refusal {
	return &Refusal{Source: source, Msg: fmt.Sprintf(format, args...)}
}

func refuseRunning(source, format string, args ...any) *Refusal {
	return &Refusal{Source: source, Msg: fmt.Sprintf(format, args...), Running: true}
}

func panics(source, format string, args ...any) *Refusal {
	return &Refusal{Source: source, Msg: fmt.Sprintf(format, args...), Panics: true}
}
