"""The test cluster: PD, a TiKV-compatible store and TiDB as three local processes.

    cli -> cluster -> build    (Go modules -> binaries, skipped when nothing changed)
                   -> process  (start, pid files, stop, pause)
                   -> control  (HTTP port of the store: faults, splits, locks, counters)
        -> sql, tpch -> venv   (PyMySQL and tpchgen-cli, pinned in tests/requirements.txt)

Only `sql` and `load-tpch` need packages from outside the standard library.
"""
