package rpc

import (
	"context"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/pingcap/kvproto/pkg/kvrpcpb"
	"github.com/pingcap/kvproto/pkg/tikvpb"
	"github.com/pingcap/tidb/pkg/tablecodec"
	"github.com/pingcap/tidb/pkg/util/codec"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// keyErr is the kind of an error, without texts and timestamps.
func keyErr(e *kvrpcpb.KeyError) string {
	if e == nil {
		return "ok"
	}
	c := *e
	s := ""
	switch {
	case c.Locked != nil:
		s = fmt.Sprintf("locked type=%v ttl=%d txnsize=%d min=%v", c.Locked.LockType, c.Locked.LockTtl, c.Locked.TxnSize, c.Locked.MinCommitTs > 0)
	case c.Conflict != nil:
		s = fmt.Sprintf("conflict %v commit>0=%v primary=%v", c.Conflict.Reason, c.Conflict.ConflictCommitTs > 0, len(c.Conflict.Primary) > 0)
	case c.AlreadyExist != nil:
		s = "exists"
	case c.TxnNotFound != nil:
		s = "txn_not_found"
	case len(c.XXX_unrecognized) > 0 && c.Retryable == "" && c.Abort == "":
		s = "txn_lock_not_found"
	case c.CommitTsExpired != nil:
		s = "expired"
	case c.AssertionFailed != nil:
		s = fmt.Sprintf("assertion %v existing=%v", c.AssertionFailed.Assertion, c.AssertionFailed.ExistingStartTs > 0)
	case c.PrimaryMismatch != nil:
		s = "primary_mismatch"
	default:
		s = "other"
	}
	if c.Abort != "" {
		s += " abort"
	}
	if c.Retryable != "" {
		s += " retryable"
	}
	return s
}

// TestTransactionsAnswerAsTiKV goes through the commands of transactions in their usual and unusual orders; the answers
// are those of TiKV (run with STRICT_PD). Left out is what the README names as open.
func TestTransactionsAnswerAsTiKV(t *testing.T) {
	h := open(t)
	want := strings.Split(strings.TrimSpace(transactionAnswers), "\n")
	out := func(name string, args ...any) {
		t.Helper()
		got := strings.TrimSuffix(fmt.Sprintln(append([]any{name + ":"}, args...)...), "\n")
		if len(want) == 0 || got != want[0] {
			t.Errorf("got  %s\nwant %s", got, append(want, "nothing")[0])
		}
		want = want[min(1, len(want)):]
		if os.Getenv("STRICT_PRINT") != "" {
			fmt.Println("ANSWER " + got)
		}
	}
	n := int64(0)
	row := func(n int64) []byte {
		return append(tablecodec.EncodeTableIndexPrefix(h.table, 1), codec.EncodeInt(nil, n)...)
	}
	k := func() []byte { n++; return row(n * 10) }
	prewrite := func(ts uint64, primary []byte, mod func(*kvrpcpb.PrewriteRequest), ms ...*kvrpcpb.Mutation) string {
		r := &kvrpcpb.PrewriteRequest{Context: h.at(primary), StartVersion: ts, PrimaryLock: primary, LockTtl: 3000, Mutations: ms}
		if mod != nil {
			mod(r)
		}
		x := ask(h, tikvpb.TikvClient.KvPrewrite, r)
		if x.RegionError != nil {
			return "region error"
		}
		if len(x.Errors) > 0 {
			s := ""
			for _, e := range x.Errors {
				s += keyErr(e) + "; "
			}
			return s
		}
		return fmt.Sprintf("ok min=%v onepc=%v", x.MinCommitTs > 0, x.OnePcCommitTs > 0)
	}
	put := func(k []byte, v string) *kvrpcpb.Mutation {
		return &kvrpcpb.Mutation{Op: kvrpcpb.Op_Put, Key: k, Value: []byte(v)}
	}
	commit := func(s, c uint64, keys ...[]byte) string {
		x := ask(h, tikvpb.TikvClient.KvCommit, &kvrpcpb.CommitRequest{Context: h.at(keys[0]), StartVersion: s, CommitVersion: c, Keys: keys})
		return keyErr(x.Error) + fmt.Sprint(" ", x.CommitVersion == c)
	}
	get := func(k []byte, ts uint64, mod func(*kvrpcpb.Context)) string {
		c := h.at(k)
		if mod != nil {
			mod(c)
		}
		x := ask(h, tikvpb.TikvClient.KvGet, &kvrpcpb.GetRequest{Context: c, Key: k, Version: ts})
		if x.RegionError != nil {
			return "region error"
		}
		return keyErr(x.Error) + fmt.Sprintf(" notfound=%v %q", x.NotFound, x.Value)
	}
	rollback := func(s uint64, keys ...[]byte) string {
		x := ask(h, tikvpb.TikvClient.KvBatchRollback, &kvrpcpb.BatchRollbackRequest{Context: h.at(keys[0]), StartVersion: s, Keys: keys})
		return keyErr(x.Error)
	}
	status := func(s uint64, key []byte, mod func(*kvrpcpb.CheckTxnStatusRequest)) string {
		q := &kvrpcpb.CheckTxnStatusRequest{Context: h.at(key), PrimaryKey: key, LockTs: s, CallerStartTs: h.now(), CurrentTs: h.now()}
		if mod != nil {
			mod(q)
		}
		x := ask(h, tikvpb.TikvClient.KvCheckTxnStatus, q)
		return keyErr(x.Error) + fmt.Sprintf(" ttl=%d commit=%v action=%v lock=%v", x.LockTtl, x.CommitVersion > 0, x.Action, x.LockInfo != nil)
	}
	heartbeat := func(s uint64, key []byte, ttl uint64) string {
		x := ask(h, tikvpb.TikvClient.KvTxnHeartBeat, &kvrpcpb.TxnHeartBeatRequest{Context: h.at(key), PrimaryLock: key, StartVersion: s, AdviseLockTtl: ttl})
		return keyErr(x.Error) + fmt.Sprint(" ttl=", x.LockTtl)
	}
	scanLock := func(max uint64, limit uint32, start, end []byte) string {
		c := h.at(row(1))
		x := ask(h, tikvpb.TikvClient.KvScanLock, &kvrpcpb.ScanLockRequest{Context: c, MaxVersion: max, Limit: limit, StartKey: start, EndKey: end})
		s := keyErr(x.Error) + fmt.Sprintf(" region=%v/%v n=%d", x.RegionError != nil, x.RegionError.GetKeyNotInRegion() != nil, len(x.Locks))
		for _, l := range x.Locks {
			s += fmt.Sprintf(" %v/%d/%d/%v", l.LockType, l.LockTtl, l.TxnSize, l.MinCommitTs > 0)
		}
		return s
	}
	resolve := func(s, c uint64, keys ...[]byte) string {
		x := ask(h, tikvpb.TikvClient.KvResolveLock, &kvrpcpb.ResolveLockRequest{Context: h.at(row(1)), StartVersion: s, CommitVersion: c, Keys: keys})
		return keyErr(x.Error) + fmt.Sprint(" region=", x.RegionError != nil)
	}
	scan := func(start, end []byte, limit uint32, ts uint64, rev bool) string {
		x := ask(h, tikvpb.TikvClient.KvScan, &kvrpcpb.ScanRequest{Context: h.at(row(1)), StartKey: start, EndKey: end, Limit: limit, Version: ts, Reverse: rev})
		s := keyErr(x.Error) + fmt.Sprintf(" region=%v n=%d", x.RegionError != nil, len(x.Pairs))
		for _, p := range x.Pairs {
			s += " " + keyErr(p.Error)
		}
		return s
	}
	h.split(row(-1000), row(1000000))
	low, high := row(0), row(999999)
	// scan lock
	a, b := k(), k()
	s := h.now()
	out("prewrite 2", prewrite(s, a, nil, put(a, "1"), put(b, "2")))
	out("scanlock <", scanLock(s-1, 0, low, high))
	out("scanlock =", scanLock(s, 0, low, high))
	out("scanlock limit1", scanLock(s, 1, low, high))
	out("scanlock from b", scanLock(s, 0, b, high))
	out("scanlock to b", scanLock(s, 0, low, b))
	out("scanlock empty ends", scanLock(s, 0, nil, nil))
	out("scanlock start==end", scanLock(s, 0, a, a))
	out("scanlock start out", scanLock(s, 0, row(-5000), high))
	out("scanlock end out", scanLock(s, 0, low, row(2000000)))
	out("scanlock beyond", scanLock(s, 0, row(2000000), row(3000000)))
	out("get locked", get(a, h.now(), nil))
	out("get below lock", get(a, s-1, nil))
	out("get at lock", get(a, s, nil))
	out("get max", get(a, ^uint64(0), nil))
	out("get max secondary", get(b, ^uint64(0), nil))
	out("get resolved", get(a, h.now(), func(c *kvrpcpb.Context) { c.ResolvedLocks = []uint64{s} }))
	out("get committed list", get(a, h.now(), func(c *kvrpcpb.Context) { c.CommittedLocks = []uint64{s} }))
	out("get RC", get(a, h.now(), func(c *kvrpcpb.Context) { c.IsolationLevel = kvrpcpb.IsolationLevel_RC }))
	out("scan locked", scan(low, high, 10, h.now(), false))
	out("scan rev locked", scan(high, low, 10, h.now(), true))
	out("commit ts == start", commit(s, s, a))
	out("commit ts < start", commit(s, s-1, a))
	out("again other value", prewrite(s, a, nil, put(a, "X")))
	out("status live", status(s, a, nil))
	out("status live max caller", status(s, a, func(q *kvrpcpb.CheckTxnStatusRequest) { q.CallerStartTs = ^uint64(0) }))
	out("status other key", status(s, row(77777), nil))
	out("status other key rollback", status(s, row(77778), func(q *kvrpcpb.CheckTxnStatusRequest) { q.RollbackIfNotExist = true }))
	out("heartbeat", heartbeat(s, a, 20000))
	out("heartbeat smaller", heartbeat(s, a, 10))
	out("heartbeat none", heartbeat(s, row(77779), 20000))
	out("commit", commit(s, h.now(), a))
	out("commit again", commit(s, h.now(), a))
	out("commit again other ts", commit(s, h.now()+5, a))
	out("commit b", commit(s, h.now(), b))
	out("get", get(a, h.now(), nil))
	out("rollback committed", rollback(s, a))
	out("status committed", status(s, a, nil))
	out("heartbeat committed", heartbeat(s, a, 20000))
	out("prewrite committed again", prewrite(s, a, nil, put(a, "1")))
	out("prewrite older", prewrite(s-1, a, nil, put(a, "1")))
	// inserts and assertions
	s = h.now()
	out("insert existing", prewrite(s, a, nil, &kvrpcpb.Mutation{Op: kvrpcpb.Op_Insert, Key: a, Value: []byte("2")}))
	out("checknotexists existing", prewrite(s, a, nil, &kvrpcpb.Mutation{Op: kvrpcpb.Op_CheckNotExists, Key: a}))
	for _, lvl := range []kvrpcpb.AssertionLevel{kvrpcpb.AssertionLevel_Off, kvrpcpb.AssertionLevel_Fast, kvrpcpb.AssertionLevel_Strict} {
		s = h.now()
		c := k()
		setl := func(r *kvrpcpb.PrewriteRequest) { r.AssertionLevel = lvl }
		out(fmt.Sprint("assert notexist on existing ", lvl), prewrite(s, a, setl, &kvrpcpb.Mutation{Op: kvrpcpb.Op_Put, Key: a, Value: []byte("2"), Assertion: kvrpcpb.Assertion_NotExist}))
		out("rollback", rollback(s, a))
		out(fmt.Sprint("assert exist on missing ", lvl), prewrite(s, c, setl, &kvrpcpb.Mutation{Op: kvrpcpb.Op_Put, Key: c, Value: []byte("2"), Assertion: kvrpcpb.Assertion_Exist}))
		out("rollback", rollback(s, c))
		s2 := h.now()
		out(fmt.Sprint("assert exist on rolled back ", lvl), prewrite(s2, c, setl, &kvrpcpb.Mutation{Op: kvrpcpb.Op_Put, Key: c, Value: []byte("2"), Assertion: kvrpcpb.Assertion_Exist}))
		out("rollback", rollback(s2, c))
	}
	// rollback
	c := k()
	s = h.now()
	out("rollback of nothing", rollback(s, c))
	out("prewrite after", prewrite(s, c, nil, put(c, "1")))
	out("commit after", commit(s, h.now(), c))
	out("status rolled back", status(s, c, nil))
	out("commit of nothing", commit(h.now(), h.now(), k()))
	// conflict with lock of another
	d := k()
	s = h.now()
	out("p", prewrite(s, d, func(r *kvrpcpb.PrewriteRequest) { r.TxnSize = 7; r.MinCommitTs = s + 1 }, put(d, "1")))
	out("p other", prewrite(h.now(), d, nil, put(d, "2")))
	out("p older", prewrite(s-1, d, nil, put(d, "2")))
	out("commit other", commit(h.now(), h.now(), d))
	out("rollback other", rollback(h.now(), d))
	out("status push", status(s, d, nil))
	out("commit small", commit(s, s+1, d))
	out("get pushed", get(d, h.now(), nil))
	out("resolve other", resolve(h.now(), 0, d))
	out("resolve commit <= start", resolve(s, s-1, d))
	out("scanlock", scanLock(^uint64(0), 0, low, high))
	out("get d", get(d, h.now(), nil))
	e := k()
	s = h.now()
	out("expired p", prewrite(s, e, func(r *kvrpcpb.PrewriteRequest) { r.LockTtl = 1 }, put(e, "1")))
	h.wait(50 * time.Millisecond)
	out("expired status", status(s, e, nil))
	out("expired status again", status(s, e, nil))
	out("expired commit", commit(s, h.now(), e))
	// op lock, del
	g := k()
	s = h.now()
	out("lock p", prewrite(s, g, nil, &kvrpcpb.Mutation{Op: kvrpcpb.Op_Lock, Key: g}))
	out("get under op lock", get(g, h.now(), nil))
	out("lock commit", commit(s, h.now(), g))
	out("lock status", status(s, g, nil))
	out("lock commit again", commit(s, h.now(), g))
	s2 := h.now()
	out("newer p on lock record", prewrite(s2, g, nil, put(g, "1")))
	out("rb", rollback(s2, g))
	out("older p on lock record", prewrite(s, g, nil, put(g, "1")))
	i := k()
	s = h.now()
	out("del missing", prewrite(s, i, nil, &kvrpcpb.Mutation{Op: kvrpcpb.Op_Del, Key: i}), commit(s, h.now(), i), get(i, h.now(), nil))
	s = h.now()
	out("del twice", prewrite(s, i, nil, &kvrpcpb.Mutation{Op: kvrpcpb.Op_Del, Key: i}), commit(s, h.now(), i))
	s = h.now()
	out("insert after del", prewrite(s, i, nil, &kvrpcpb.Mutation{Op: kvrpcpb.Op_Insert, Key: i, Value: []byte("1")}), commit(s, h.now(), i))
	out("empty value", prewrite(h.now(), k(), nil, put(row(n*10), "")))
	// async, 1pc
	j, l := k(), k()
	s = h.now()
	out("async", prewrite(s, j, func(r *kvrpcpb.PrewriteRequest) {
		r.UseAsyncCommit = true
		r.Secondaries = [][]byte{l}
		r.MinCommitTs = s + 1
	}, put(j, "1"), put(l, "2")))
	out("async again", prewrite(s, j, func(r *kvrpcpb.PrewriteRequest) {
		r.UseAsyncCommit = true
		r.Secondaries = [][]byte{l}
		r.MinCommitTs = s + 1
	}, put(j, "1"), put(l, "2")))
	out("async status", status(s, j, nil))
	x := ask(h, tikvpb.TikvClient.KvCheckSecondaryLocks, &kvrpcpb.CheckSecondaryLocksRequest{Context: h.at(l), Keys: [][]byte{l}, StartVersion: s})
	out("async secondary", len(x.Locks), x.CommitTs, keyErr(x.Error))
	out("async commit", commit(s, h.now(), j, l))
	m := k()
	s = h.now()
	onepc := func(r *kvrpcpb.PrewriteRequest) { r.TryOnePc = true; r.UseAsyncCommit = true; r.MinCommitTs = s + 1 }
	out("1pc", prewrite(s, m, onepc, put(m, "1")))
	out("1pc again", prewrite(s, m, onepc, put(m, "1")))
	out("1pc get", get(m, h.now(), nil))
	// ranges outside
	out("scan out low", scan(row(-5000), high, 10, h.now(), false))
	out("scan out high", scan(low, row(2000000), 10, h.now(), false))
	out("scan no end", scan(low, nil, 2, h.now(), false))
	out("scan limit 0", scan(low, high, 0, h.now(), false))
	out("scan inverted", scan(high, low, 10, h.now(), false))
	bg := ask(h, tikvpb.TikvClient.KvBatchGet, &kvrpcpb.BatchGetRequest{Context: h.at(a), Keys: [][]byte{a, row(2000000)}, Version: h.now()})
	out("batchget out", bg.RegionError != nil, bg.RegionError.GetKeyNotInRegion() != nil, keyErr(bg.Error), bg.Pairs[len(bg.Pairs)-1].Error != nil)
	out("commit ts 0 txn", rollback(h.now(), row(555)))
	out("batchget none", len(ask(h, tikvpb.TikvClient.KvBatchGet, &kvrpcpb.BatchGetRequest{Context: h.at(a), Version: h.now()}).Pairs))
	gout := ask(h, tikvpb.TikvClient.KvGet, &kvrpcpb.GetRequest{Context: h.at(a), Key: row(2000000), Version: h.now()})
	out("get out", gout.RegionError != nil, gout.RegionError.GetKeyNotInRegion() != nil, keyErr(gout.Error), gout.NotFound)
	pout := ask(h, tikvpb.TikvClient.KvPrewrite, &kvrpcpb.PrewriteRequest{Context: h.at(a), StartVersion: h.now(), PrimaryLock: a, LockTtl: 3000, Mutations: []*kvrpcpb.Mutation{put(row(2000000), "1")}})
	out("prewrite out", pout.RegionError != nil, pout.RegionError.GetKeyNotInRegion() != nil, len(pout.Errors))
}

// Requests that end the process of TiKV are refused here: the first three are assertions of src/storage/txn, the last
// one was found by trying.
func TestRequestsThatEndTiKVAreRefused(t *testing.T) {
	h := open(t)
	if h.own == nil {
		t.Skip("they would end the TiKV")
	}
	key := h.row(1)
	for _, req := range []any{
		&kvrpcpb.PrewriteRequest{Context: h.at(key), PrimaryLock: key, StartVersion: h.now(), LockTtl: 3000},
		&kvrpcpb.CommitRequest{Context: h.at(key), StartVersion: h.now(), CommitVersion: h.now()},
		&kvrpcpb.ResolveLockRequest{Context: h.at(key), Keys: [][]byte{key}},
		&kvrpcpb.ResolveLockRequest{Context: h.at(key), TxnInfos: []*kvrpcpb.TxnInfo{{}}},
		&kvrpcpb.ScanLockRequest{Context: h.at(key), StartKey: h.row(2), EndKey: key, MaxVersion: h.now()},
	} {
		_, err := h.own.pipe.invoke(context.Background(), h.own.pipe.byReq[reflect.TypeOf(req)], req)
		if status.Code(err) != codes.Internal || !strings.Contains(err.Error(), "TiKV would end with a panic") {
			t.Errorf("%T: %v", req, err)
		}
	}
}
