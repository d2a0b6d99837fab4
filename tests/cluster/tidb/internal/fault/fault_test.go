package fault

import (
	"testing"

	"github.com/pingcap/tidb/pkg/kv"
	"github.com/pingcap/tidb/pkg/tablecodec"
)

func known(name string) bool { return name == "KvGet" || name == "Coprocessor" }

func set(t *testing.T, rules string) *Set {
	t.Helper()
	parsed, err := Parse([]byte(rules))
	if err != nil {
		t.Fatal(err)
	}
	s := new(Set)
	if err := s.Replace(parsed, known); err != nil {
		t.Fatal(err)
	}
	return s
}

func kinds(s *Set, p Probe, n int) []string {
	var out []string
	for range n {
		out = append(out, s.Match(p, true).Kind)
	}
	return out
}

func expect(t *testing.T, got []string, want ...string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %q, want %q", got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
}

func TestCountAndSkip(t *testing.T) {
	get := Probe{Method: "KvGet"}
	expect(t, kinds(set(t, `[{"method":"KvGet","kind":"not_leader"}]`), get, 3), "not_leader", "", "")
	expect(t, kinds(set(t, `[{"method":"KvGet","kind":"hang","skip":2,"count":2}]`), get, 5), "", "", "hang", "hang", "")
	expect(t, kinds(set(t, `[{"method":"*","kind":"kill","count":-1}]`), get, 3), "kill", "kill", "kill")
	expect(t, kinds(set(t, `[{"method":"*","kind":"kill","count":0}]`), get, 1), "")
	expect(t, kinds(set(t, `[{"method":"Coprocessor","kind":"kill"}]`), get, 1), "")
}

func TestFirstUsableRuleWinsAndDelaysAddUp(t *testing.T) {
	s := set(t, `[{"method":"*","kind":"delay","ms":5,"count":-1},{"method":"KvGet","kind":"delay","ms":2},
		{"method":"KvGet","kind":"disk_full"},{"method":"KvGet","kind":"drop_reply"}]`)
	get := Probe{Method: "KvGet"}
	if a := s.Match(get, true); a.DelayMs != 7 || a.Kind != "disk_full" {
		t.Fatalf("first: %+v", a)
	}
	if a := s.Match(get, true); a.DelayMs != 5 || a.Kind != "drop_reply" {
		t.Fatalf("second: %+v", a)
	}
	if got := s.List()[0]; got.Hits != 2 || got.Seen != 2 {
		t.Fatalf("counters: %+v", got)
	}
}

func TestRegionErrorsPassOverMethodsThatCannotCarryThem(t *testing.T) {
	s := set(t, `[{"method":"*","kind":"not_leader"}]`)
	if a := s.Match(Probe{Method: "KvGet"}, false); a.Kind != "" {
		t.Fatalf("got %+v", a)
	}
	if got := s.List()[0]; got.Seen != 0 {
		t.Fatalf("counted: %+v", got)
	}
}

func TestFilters(t *testing.T) {
	s := set(t, `[{"method":"*","kind":"stale_command","count":-1,"table_id":110}]`)
	row := tablecodec.EncodeRowKeyWithHandle(110, kv.IntHandle(1))
	start, end := tablecodec.GetTableHandleKeyRange(110)
	for name, c := range map[string]struct {
		r    Range
		want string
	}{
		"point":       {Range{Start: row, Point: true}, "stale_command"},
		"inside":      {Range{Start: start, End: end}, "stale_command"},
		"around":      {Range{Start: []byte("a"), End: []byte("z")}, "stale_command"},
		"open end":    {Range{Start: []byte("a")}, "stale_command"},
		"other table": {Range{Start: tablecodec.EncodeTablePrefix(111), End: tablecodec.EncodeTablePrefix(112)}, ""},
		"before":      {Range{Start: []byte("a"), End: tablecodec.EncodeTablePrefix(110)}, ""},
		"meta key":    {Range{Start: []byte("m"), Point: true}, ""},
	} {
		if got := s.Match(Probe{Method: "KvGet", Ranges: []Range{c.r}}, true).Kind; got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
	s = set(t, `[{"method":"*","kind":"hang","count":-1,"region_id":7,"request_source":"spark"}]`)
	expect(t, kinds(s, Probe{Method: "KvGet", RegionID: 7, RequestSource: "external_spark"}, 1), "hang")
	expect(t, kinds(s, Probe{Method: "KvGet", RegionID: 8, RequestSource: "external_spark"}, 1), "")
	expect(t, kinds(s, Probe{Method: "KvGet", RegionID: 7, RequestSource: "external_Select"}, 1), "")
}

func TestBadRulesAreRefusedAndOldOnesStay(t *testing.T) {
	s := set(t, `[{"method":"KvGet","kind":"hang"}]`)
	for _, bad := range []string{
		`{}`, `[{"method":"KvGet","kind":"hang","colour":1}]`, `[{"method":"Nope","kind":"hang"}]`,
		`[{"method":"KvGet","kind":"nope"}]`, `[{"method":"KvGet","kind":"hang","count":-2}]`,
		`[{"method":"KvGet","kind":"hang","key_prefix":"xy"}]`,
		`[{"method":"KvGet","kind":"hang","key_prefix":"00","table_id":1}]`,
	} {
		rules, err := Parse([]byte(bad))
		if err == nil {
			err = s.Replace(rules, known)
		}
		if err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
	if list := s.List(); len(list) != 1 || list[0].Kind != Hang {
		t.Fatalf("rules: %+v", list)
	}
}

func TestReplaceEndsHangs(t *testing.T) {
	s := set(t, `[{"method":"KvGet","kind":"hang"}]`)
	a := s.Match(Probe{Method: "KvGet"}, true)
	select {
	case <-a.Changed:
		t.Fatal("ended too early")
	default:
	}
	if err := s.Replace(nil, known); err != nil {
		t.Fatal(err)
	}
	<-a.Changed
}

func TestFlagsOfReplicaReads(t *testing.T) {
	s := set(t, `[{"method":"Coprocessor","kind":"disk_full","stale_read":true,"count":-1},
		{"method":"Coprocessor","kind":"hang","stale_read":false,"replica_read":false,"count":-1}]`)
	stale, replica, leader := Probe{Method: "Coprocessor", StaleRead: true}, Probe{Method: "Coprocessor", ReplicaRead: true}, Probe{Method: "Coprocessor"}
	expect(t, kinds(s, stale, 1), "disk_full")
	expect(t, kinds(s, replica, 1), "")
	expect(t, kinds(s, leader, 1), "hang")
}
