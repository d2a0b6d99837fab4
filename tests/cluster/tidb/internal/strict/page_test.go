package strict

import (
	"os"
	"regexp"
	"strconv"
	"testing"

	"github.com/pingcap/tipb/go-tipb"
)

// TestPage holds the page on push-down against TiKV's own list: every signature that it names is one of tipb's by name and number, and one
// that TiKV has.
func TestPage(t *testing.T) {
	page, err := os.ReadFile("../../../../../docs/pushdown.md")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`([^`]*)` \\((\\d+)\\)").FindAllStringSubmatch(string(page), -1)
	if len(named) < 80 {
		t.Fatalf("%d signatures on the page", len(named))
	}
	for _, match := range named {
		number, _ := strconv.Atoi(match[2])
		id, ok := tipb.ScalarFuncSig_value[match[1]]
		if !ok || int(id) != number {
			t.Errorf("%s is not number %d of tipb, but %d", match[1], number, id)
			continue
		}
		if _, ok := signatures[tipb.ScalarFuncSig(id)]; !ok {
			t.Errorf("%s (%d) is not a function of TiKV", match[1], number)
		}
	}
}
