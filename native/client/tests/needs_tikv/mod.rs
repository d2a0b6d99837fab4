//! What the test store cannot do: its stores are one process, and have no followers. Each test starts the cluster that it needs; without a
//! `tikv-server` (`TIKV_SERVER`) it is left out, and says so. `make test-rust` leaves them out by `--skip needs_tikv`.

mod cluster;
mod frozen;
mod load;
