package locklog

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/pingcap/badger"
	"github.com/pingcap/badger/y"
	"github.com/pingcap/kvproto/pkg/kvrpcpb"
	"github.com/pingcap/tidb/pkg/store/mockstore/unistore/lockstore"
	"github.com/pingcap/tidb/pkg/store/mockstore/unistore/tikv"
	"github.com/pingcap/tidb/pkg/store/mockstore/unistore/tikv/mvcc"
)

func open(t *testing.T, path string, db *badger.DB) (*Writer, *lockstore.MemStore) {
	t.Helper()
	bundle := &mvcc.DBBundle{DB: db, LockStore: lockstore.NewMemStore(1 << 20)}
	w, err := Open(path, bundle, tikv.NewDBWriter(bundle))
	if err != nil {
		t.Fatal(err)
	}
	w.Open()
	return w, bundle.LockStore
}

func lockOf(startTS uint64, value string) *mvcc.Lock {
	l := &mvcc.Lock{Primary: []byte("t1"), Value: []byte(value)}
	l.StartTS, l.PrimaryLen, l.Op = startTS, 2, uint8(kvrpcpb.Op_Put)
	return l
}

func write(t *testing.T, w *Writer, startTS, commitTS uint64, do func(mvcc.WriteBatch)) {
	t.Helper()
	b := w.NewWriteBatch(startTS, commitTS, nil)
	do(b)
	if err := w.Write(b); err != nil {
		t.Fatal(err)
	}
}

// The former writer is never closed here: that is what a killed process looks like.
func TestLocksComeBackAfterAKill(t *testing.T) {
	dir := t.TempDir()
	o := badger.DefaultOptions
	o.Dir, o.ValueDir, o.ManagedTxns = dir, dir, true
	db, err := badger.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	path := filepath.Join(dir, "locks.log")
	w, _ := open(t, path, db)
	write(t, w, 10, 0, func(b mvcc.WriteBatch) {
		for _, k := range []string{"t1", "t2", "t3", "t4"} {
			b.Prewrite([]byte(k), lockOf(10, "value of "+k))
		}
	})
	write(t, w, 10, 20, func(b mvcc.WriteBatch) { b.Commit([]byte("t2"), lockOf(10, "")) })
	write(t, w, 10, 0, func(b mvcc.WriteBatch) { b.Rollback([]byte("t3"), true) })
	// t4: committed in the data, and the process died before the removal was logged.
	err = db.Update(func(txn *badger.Txn) error {
		return txn.SetEntry(&badger.Entry{Key: y.KeyWithTs([]byte("t4"), 20), Value: []byte("v"), UserMeta: mvcc.NewDBUserMeta(10, 20)})
	})
	if err != nil {
		t.Fatal(err)
	}
	torn, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := torn.Write(appendRecord(nil, opPut, []byte("t9"), lockOf(9, "x").MarshalBinary())[:20]); err != nil {
		t.Fatal(err)
	}
	if err := torn.Close(); err != nil {
		t.Fatal(err)
	}

	for round := range 2 { // the second time from the file that the first has rewritten
		again, locks := open(t, path, db)
		for _, k := range []string{"t2", "t3", "t4", "t9"} {
			if locks.Get([]byte(k), nil) != nil {
				t.Errorf("round %d: %s is locked", round, k)
			}
		}
		val := locks.Get([]byte("t1"), nil)
		if len(val) == 0 {
			t.Fatalf("round %d: t1 is not locked", round)
		}
		if l := mvcc.DecodeLock(val); l.StartTS != 10 || string(l.Value) != "value of t1" || string(l.Primary) != "t1" {
			t.Errorf("round %d: lock %+v", round, l)
		}
		again.Close()
	}
}

func TestRewriteKeepsLiveLocks(t *testing.T) {
	dir := t.TempDir()
	o := badger.DefaultOptions
	o.Dir, o.ValueDir, o.ManagedTxns = dir, dir, true
	db, err := badger.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	path := filepath.Join(dir, "locks.log")
	w, _ := open(t, path, db)
	w.rewrite = 4096
	write(t, w, 5, 0, func(b mvcc.WriteBatch) { b.Prewrite([]byte("t1"), lockOf(5, "stays")) })
	grown := w.size
	for range 100 {
		write(t, w, 6, 0, func(b mvcc.WriteBatch) { b.PessimisticLock([]byte("t7"), lockOf(6, "")) })
		write(t, w, 6, 0, func(b mvcc.WriteBatch) { b.PessimisticRollback([]byte("t7")) })
	}
	if w.rewrite <= minGrowth || w.size < grown {
		t.Fatalf("not rewritten: size %d, limit %d", w.size, w.rewrite)
	}
	_, locks := open(t, path, db)
	if locks.Get([]byte("t1"), nil) == nil || locks.Get([]byte("t7"), nil) != nil {
		t.Error("the rewritten log differs")
	}
}
