// The module that builds pd-server for the test cluster. It is apart from the
// TiDB module because their dependencies clash.
module tidb-spark.test/cluster/pd

go 1.21

require github.com/tikv/pd v1.1.0-beta.0.20240407022249-7179657d129b
