package region

import "sync"

const latchShards = 64

// latches gives each key hash one owner at a time. They belong to the store and not to a region, so
// that a split cannot let two writers of one key run at once.
type latches struct {
	shards [latchShards]struct {
		sync.Mutex
		owned map[uint64]chan struct{} // closed when the owner lets go
	}
}

func newLatches() *latches {
	l := new(latches)
	for i := range l.shards {
		l.shards[i].owned = make(map[uint64]chan struct{})
	}
	return l
}

func (l *latches) acquire(hashes []uint64) {
	for _, h := range hashes {
		s := &l.shards[h%latchShards]
		for {
			s.Lock()
			released, taken := s.owned[h]
			if !taken {
				s.owned[h] = make(chan struct{})
				s.Unlock()
				break
			}
			s.Unlock()
			<-released
		}
	}
}

func (l *latches) release(hashes []uint64) {
	for _, h := range hashes {
		s := &l.shards[h%latchShards]
		s.Lock()
		if released, ok := s.owned[h]; ok {
			close(released)
			delete(s.owned, h)
		}
		s.Unlock()
	}
}
