package realstore

import (
	"bufio"
	"bytes"
	"strconv"
	"strings"
)

const callCounter = "tikv_grpc_msg_duration_seconds_count{"

type methodCount struct {
	Total uint64 `json:"total"` // calls that have ended
}

// addCalls adds the calls in a page of TiKV's metrics to the totals by RPC name, in the way of the test store: KvGet, Coprocessor.
func addCalls(totals map[string]methodCount, page []byte) {
	lines := bufio.NewScanner(bytes.NewReader(page))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		rest, found := strings.CutPrefix(lines.Text(), callCounter)
		if !found {
			continue
		}
		labels, value, found := strings.Cut(rest, "} ")
		count, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if !found || err != nil {
			continue
		}
		_, kind, found := strings.Cut(labels, `type="`)
		if !found {
			continue
		}
		kind, _, _ = strings.Cut(kind, `"`)
		name := rpcName(kind)
		totals[name] = methodCount{totals[name].Total + uint64(count)}
	}
}

// rpcName is kv_get -> KvGet.
func rpcName(kind string) string {
	var out strings.Builder
	for _, word := range strings.Split(kind, "_") {
		if word != "" {
			out.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return out.String()
}
