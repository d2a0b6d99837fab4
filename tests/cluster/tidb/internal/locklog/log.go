// Package locklog keeps the locks of the test store over a kill.
//
// TiDB's store holds locks in memory only, so a killed process forgets prewrites that a TiKV would
// still have, and with them half-committed transactions. Here every write batch passes a log:
//
//	MVCCStore -> Writer.Write: append new locks -> inner writer (data, locks in memory) -> append removals
//	start     -> Open: replay, drop what was committed meanwhile, rewrite the file
//
// The log is written without fsync: it survives the process, not the machine.
package locklog

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"sync"

	"github.com/pingcap/badger"
	"github.com/pingcap/kvproto/pkg/kvrpcpb"
	"github.com/pingcap/log"
	"github.com/pingcap/tidb/pkg/store/mockstore/unistore/lockstore"
	"github.com/pingcap/tidb/pkg/store/mockstore/unistore/tikv/mvcc"
	"go.uber.org/zap"
)

const (
	opPut     = 1
	opDelete  = 2
	header    = 13       // crc32 of the rest (4), operation (1), key length (4), value length (4)
	maxRecord = 64 << 20 // bytes of a key or value; more means a damaged file
	minGrowth = 64 << 20 // bytes appended before the file is rewritten
)

// Writer is an mvcc.DBWriter that logs the locks of its batches.
type Writer struct {
	mvcc.DBWriter
	locks *lockstore.MemStore
	path  string

	// Held shared from the first append of a batch to its last, and alone while the file is
	// rewritten from memory: log and memory agree then.
	rewriting sync.RWMutex

	mu      sync.Mutex
	file    *os.File
	size    int64
	rewrite int64 // size at which the file is rewritten
}

var _ mvcc.DBWriter = (*Writer)(nil)

// Open replays the log of a former process into the bundle's lock store and returns a writer in
// front of inner.
func Open(path string, bundle *mvcc.DBBundle, inner mvcc.DBWriter) (*Writer, error) {
	live, err := replay(path)
	if err != nil {
		return nil, fmt.Errorf("lock log %s: %w", path, err)
	}
	err = bundle.DB.View(func(txn *badger.Txn) error {
		for key, val := range live {
			done, err := committed(txn, []byte(key), val)
			if err != nil {
				return err
			}
			if !done {
				bundle.LockStore.Put([]byte(key), val)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	w := &Writer{DBWriter: inner, locks: bundle.LockStore, path: path}
	return w, w.compact()
}

// committed tells whether the transaction of a lock has committed the key: the process died between
// the two steps of a commit. Nobody can have written the key after it, so the newest version tells.
func committed(txn *badger.Txn, key, val []byte) (bool, error) {
	item, err := txn.Get(key)
	if errors.Is(err, badger.ErrKeyNotFound) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	lock := mvcc.DecodeLock(val)
	return mvcc.DBUserMeta(item.UserMeta()).StartTS() == lock.StartTS, nil
}

// replay reads the records up to the first torn one, which is where the process died.
func replay(path string) (map[string][]byte, error) {
	live := make(map[string][]byte)
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return live, nil
	} else if err != nil {
		return nil, err
	}
	defer file.Close()
	in := bufio.NewReaderSize(file, 1<<20)
	for {
		var h [header]byte
		if _, err := io.ReadFull(in, h[:]); err != nil {
			return live, ignoreEOF(err)
		}
		keyLen, valLen := binary.LittleEndian.Uint32(h[5:]), binary.LittleEndian.Uint32(h[9:])
		if keyLen > maxRecord || valLen > maxRecord {
			log.Warn("the lock log ends in a damaged record", zap.String("path", path))
			return live, nil
		}
		body := make([]byte, keyLen+valLen)
		if _, err := io.ReadFull(in, body); err != nil {
			return live, ignoreEOF(err)
		}
		if crc32.Update(crc32.ChecksumIEEE(h[4:]), crc32.IEEETable, body) != binary.LittleEndian.Uint32(h[:]) {
			log.Warn("the lock log ends in a damaged record", zap.String("path", path))
			return live, nil
		}
		if key := string(body[:keyLen]); h[4] == opPut {
			live[key] = body[keyLen:]
		} else {
			delete(live, key)
		}
	}
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

func appendRecord(buf []byte, op byte, key, val []byte) []byte {
	at := len(buf)
	buf = append(buf, 0, 0, 0, 0, op)
	buf = binary.LittleEndian.AppendUint32(buf, uint32(len(key)))
	buf = binary.LittleEndian.AppendUint32(buf, uint32(len(val)))
	buf = append(append(buf, key...), val...)
	binary.LittleEndian.PutUint32(buf[at:], crc32.ChecksumIEEE(buf[at+4:]))
	return buf
}

// compact writes the live locks into a new file and continues there. The caller holds rewriting or
// is alone.
func (w *Writer) compact() error {
	fresh := w.path + ".new"
	file, err := os.OpenFile(fresh, os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(file, 1<<20)
	var size int64
	it := w.locks.NewIterator()
	for it.SeekToFirst(); it.Valid(); it.Next() {
		rec := appendRecord(nil, opPut, it.Key(), it.Value())
		size += int64(len(rec))
		if _, err := out.Write(rec); err != nil {
			return errors.Join(err, file.Close())
		}
	}
	if err := errors.Join(out.Flush(), os.Rename(fresh, w.path)); err != nil {
		return errors.Join(err, file.Close())
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.file != nil {
		err = w.file.Close()
	}
	w.file, w.size, w.rewrite = file, size, 2*size+minGrowth
	return err
}

func (w *Writer) append(records []byte) error {
	if len(records) == 0 {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	n, err := w.file.Write(records)
	w.size += int64(n)
	return err
}

// NewWriteBatch implements mvcc.DBWriter.
func (w *Writer) NewWriteBatch(startTS, commitTS uint64, ctx *kvrpcpb.Context) mvcc.WriteBatch {
	return &batch{WriteBatch: w.DBWriter.NewWriteBatch(startTS, commitTS, ctx)}
}

// Write implements mvcc.DBWriter.
func (w *Writer) Write(b mvcc.WriteBatch) error {
	logged, ok := b.(*batch)
	if !ok {
		return fmt.Errorf("write batch of a foreign type %T", b)
	}
	if err := w.write(logged); err != nil {
		return err
	}
	w.mu.Lock()
	full := w.size >= w.rewrite
	w.mu.Unlock()
	if !full {
		return nil
	}
	w.rewriting.Lock()
	defer w.rewriting.Unlock()
	w.mu.Lock()
	full = w.size >= w.rewrite // another batch may have been quicker
	w.mu.Unlock()
	if !full {
		return nil
	}
	return w.compact()
}

func (w *Writer) write(b *batch) error {
	w.rewriting.RLock()
	defer w.rewriting.RUnlock()
	if err := w.append(b.puts); err != nil {
		return err
	}
	if err := w.DBWriter.Write(b.WriteBatch); err != nil {
		return err
	}
	return w.append(b.deletes)
}

// Close implements mvcc.DBWriter.
func (w *Writer) Close() {
	w.DBWriter.Close()
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.file.Close(); err != nil {
		log.Warn("close the lock log", zap.Error(err))
	}
}

// batch records what a write batch does to locks.
type batch struct {
	mvcc.WriteBatch
	puts, deletes []byte
}

func (b *batch) Prewrite(key []byte, lock *mvcc.Lock) {
	b.WriteBatch.Prewrite(key, lock)
	b.puts = appendRecord(b.puts, opPut, key, lock.MarshalBinary())
}

func (b *batch) PessimisticLock(key []byte, lock *mvcc.Lock) {
	b.WriteBatch.PessimisticLock(key, lock)
	b.puts = appendRecord(b.puts, opPut, key, lock.MarshalBinary())
}

func (b *batch) Commit(key []byte, lock *mvcc.Lock) {
	b.WriteBatch.Commit(key, lock)
	b.deletes = appendRecord(b.deletes, opDelete, key, nil)
}

func (b *batch) Rollback(key []byte, deleteLock bool) {
	b.WriteBatch.Rollback(key, deleteLock)
	if deleteLock {
		b.deletes = appendRecord(b.deletes, opDelete, key, nil)
	}
}

func (b *batch) PessimisticRollback(key []byte) {
	b.WriteBatch.PessimisticRollback(key)
	b.deletes = appendRecord(b.deletes, opDelete, key, nil)
}
