package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/pingcap/badger"
	"github.com/pingcap/badger/options"
	"github.com/pingcap/tidb/pkg/store/mockstore/unistore/config"
	"github.com/pingcap/tidb/pkg/store/mockstore/unistore/lockstore"
	"github.com/pingcap/tidb/pkg/store/mockstore/unistore/pd"
	"github.com/pingcap/tidb/pkg/store/mockstore/unistore/tikv"
	"github.com/pingcap/tidb/pkg/store/mockstore/unistore/tikv/mvcc"

	"tidb-spark.test/cluster/tidb/internal/locklog"
	"tidb-spark.test/cluster/tidb/internal/region"
)

// engine is the store below its RPC service.
type engine struct {
	bundle  *mvcc.DBBundle
	regions []*region.Local
	servers []*tikv.Server // one for each store; they share all below
}

// openEngine puts TiDB's store together from its parts, with our region manager in the place of its
// own. The order is fixed: data, regions (which registers the store at PD), transactions.
func openEngine(ctx context.Context, o settings, pdc pd.Client) (*engine, error) {
	physical, logical, err := pdc.GetTS(ctx)
	if err != nil {
		return nil, fmt.Errorf("timestamp from PD: %w", err)
	}
	conf := config.DefaultConf
	addrs := strings.Split(o.addr, ",")
	conf.Server.StoreAddr, conf.Server.PDAddr, conf.Server.Raft = addrs[0], o.pd, false
	conf.Engine.DBPath = o.data
	safePoint := new(tikv.SafePoint)
	db, err := openBadger(filepath.Join(o.data, "kv"), &conf.Engine, safePoint)
	if err != nil {
		return nil, fmt.Errorf("open the data in %s: %w", o.data, err)
	}
	e := &engine{bundle: &mvcc.DBBundle{
		DB: db, LockStore: lockstore.NewMemStore(8 << 20), StateTS: uint64(physical)<<18 + uint64(logical),
	}}
	manager, err := region.Open(ctx, e.bundle, pdc, region.Options{
		Addrs: addrs, Version: o.version, SplitSize: o.regionSize,
		CheckInterval: o.splitCheck, Heartbeat: 5 * time.Second,
	})
	if err != nil {
		return nil, err
	}
	e.regions = manager.Locals()
	writer, err := locklog.Open(filepath.Join(o.data, "locks.log"), e.bundle, tikv.NewDBWriter(e.bundle))
	if err != nil {
		return nil, err
	}
	store := tikv.NewMVCCStore(&conf, e.bundle, o.data, safePoint, writer, pdc)
	store.DeadlockDetectSvr.ChangeRole(tikv.Leader)
	store.StartDeadlockDetection(false)
	for _, l := range e.regions {
		e.servers = append(e.servers, tikv.NewServer(l, store, tikv.NewStandAlongInnerServer(e.bundle)))
	}
	return e, nil
}

// openBadger opens the key-value engine: versions are set by the caller (transaction timestamps), and
// versions below the safe point go away in compactions.
func openBadger(dir string, conf *config.Engine, safePoint *tikv.SafePoint) (*badger.DB, error) {
	o := badger.DefaultOptions
	o.Dir, o.ValueDir = dir, dir
	o.ManagedTxns = true
	o.CompactionFilterFactory = safePoint.CreateCompactionFilter
	o.SyncWrites = false // a test machine may lose power; a killed process loses nothing
	o.NumCompactors = conf.NumCompactors
	o.CompactL0WhenClose = false // a stop takes no time
	o.ValueThreshold = conf.ValueThreshold
	o.ValueLogWriteOptions.WriteBufferSize = 4 << 20
	o.ValueLogFileSize = conf.VlogFileSize
	o.ValueLogMaxNumFiles = 3
	o.MaxMemTableSize = conf.MaxMemTableSize
	o.NumMemtables = conf.NumMemTables
	o.NumLevelZeroTables, o.NumLevelZeroTablesStall = conf.NumL0Tables, conf.NumL0TablesStall
	o.LevelOneSize = conf.L1Size
	o.TableBuilderOptions.MaxTableSize = conf.MaxTableSize
	o.TableBuilderOptions.SuRFStartLevel = conf.SurfStartLevel
	for i := range o.TableBuilderOptions.CompressionPerLevel {
		o.TableBuilderOptions.CompressionPerLevel[i] = options.None
	}
	o.MaxBlockCacheSize, o.MaxIndexCacheSize = conf.BlockCacheSize, conf.IndexCacheSize
	return badger.Open(o)
}
