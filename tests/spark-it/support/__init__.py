"""What the suites share: the oracle (TiDB), Spark sessions on the packaged jar, the comparison, the cluster's control."""
