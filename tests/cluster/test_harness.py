#!/usr/bin/env python3
"""Tests of the cluster itself, on throw-away clusters of their own (about a minute).

    python3 tests/cluster/test_harness.py [-v] [Class.test]
"""
import os
import pathlib
import subprocess
import threading
import time
import unittest

from harness_case import HERE, REGION_SIZE, Shared, listening_addresses, row_key, wait_for  # first: it finds the packages

import pymysql  # isort: skip
from harness.build import build
from harness.cluster import Cluster
from harness.paths import Failure
from harness.sql import connect


class OnOneCluster(Shared):
    """Tests that share a cluster."""

    def test_all_listen_on_loopback_only(self):
        status = self.cluster.status()
        for role in self.cluster.roles():
            addresses = listening_addresses(status[role]["pid"])
            self.assertTrue(addresses)
            self.assertEqual(addresses, {"0100007F"}, role)

    def test_status_and_versions(self):
        status = self.cluster.status()
        self.assertTrue(status["running"])
        self.assertEqual(status["mode"], "throwaway")
        self.assertEqual(status["store"]["region_size"], REGION_SIZE)
        ((version,),) = self.sql("SELECT VERSION()")
        self.assertTrue(version.endswith("TiDB-v8.5.0"), version)
        self.assertEqual(len(status["store"]["addresses"]), self.STORES)
        stores = self.sql("SELECT version, store_state_name FROM information_schema.tikv_store_status")
        self.assertEqual(stores, (("8.5.0", "Up"),) * self.STORES)

    def test_regions_split_by_size_and_cover_the_key_space(self):
        name, table_id = self.make_table(1000)  # about 230 bytes a row
        wait_for(lambda: len(self.regions_of(table_id)) >= 8)
        regions = self.control.regions()
        self.assertEqual(regions[0]["start_key"], "")
        self.assertEqual(regions[-1]["end_key"], "")
        for left, right in zip(regions, regions[1:]):
            self.assertEqual(left["end_key"], right["start_key"])
        self.assertEqual(self.sql(f"SELECT COUNT(*), SUM(v) FROM {name}"), ((1000, 500500),))

    def test_split_on_request(self):
        name, table_id = self.make_table(10)
        before = self.control.stats()["regions"]
        self.assertEqual(self.control.split(row_key(table_id, 4), row_key(table_id, 7)), before + 2)
        self.assertEqual(self.control.split(row_key(table_id, 4)), before + 2)
        self.assertEqual(self.sql(f"SELECT COUNT(*), SUM(v) FROM {name}"), ((10, 55),))
        ((splits, _),) = self.sql(f"SPLIT TABLE {name} BY (2), (3), (9)")
        self.assertEqual(splits, 3)
        starts = {r["start_key"] for r in self.regions_of(table_id)}
        self.assertTrue({row_key(table_id, n).hex() for n in (2, 3, 4, 7, 9)} <= starts)
        self.assertEqual(self.sql(f"SELECT COUNT(*), SUM(v) FROM {name}"), ((10, 55),))

    RETRIED = ("not_leader", "not_leader_hint", "region_not_found", "key_not_in_region", "epoch_not_match",
               "stale_command", "store_not_match", "max_ts_not_synced", "read_index_not_ready",
               "proposal_in_merging_mode", "data_is_not_ready", "region_not_initialized", "disk_full",
               "recovery_in_progress", "mismatch_peer_id", "bucket_version_not_match", "undetermined_result",
               "server_is_busy", "is_witness", "unavailable", "drop_reply", "delay")
    FATAL = ("raft_entry_too_large", "flashback_in_progress", "flashback_not_prepared")

    def test_tidb_survives_every_fault_once(self):
        name, table_id = self.make_table(2)
        for method in ("Coprocessor", "KvGet", "KvPrewrite"):
            for number, kind in enumerate(self.RETRIED + self.FATAL):
                if kind in ("server_is_busy", "is_witness") and method != "Coprocessor":
                    continue  # TiDB backs off for a second or two: once is enough
                with self.subTest(method=method, kind=kind):
                    self.control.set_faults({"method": method, "kind": kind, "table_id": table_id, "ms": 20})
                    statement, wanted = {
                        "Coprocessor": (f"SELECT SUM(v) FROM {name} WHERE id < 3", ((3,),)),
                        "KvGet": (f"SELECT v FROM {name} WHERE id = 2", ((2,),)),
                        "KvPrewrite": (f"INSERT INTO {name} VALUES ({100 + number}, 0, '')", ()),
                    }[method]
                    if kind in self.FATAL:
                        with self.assertRaises(pymysql.MySQLError):
                            self.sql(statement)
                    else:
                        self.assertEqual(self.sql(statement), wanted)
                    self.assertEqual(self.control.faults()[0]["hits"], 1)
        self.control.clear_faults()
        self.assertEqual(self.sql(f"SELECT COUNT(*) FROM {name} WHERE id >= 100"), ((len(self.RETRIED) - 2,),))

    def test_filters_count_and_skip(self):
        name, table_id = self.make_table(2)
        other, _ = self.make_table(2)
        self.sql(f"SELECT SUM(v) FROM {name}")  # TiDB knows the region from here on
        self.control.set_faults({"method": "Coprocessor", "kind": "not_leader", "table_id": table_id, "skip": 1, "count": 2})
        for _ in range(3):
            self.assertEqual(self.sql(f"SELECT SUM(v) FROM {other}"), ((3,),))
        self.assertEqual(self.control.faults()[0]["seen"], 0)
        self.sql(f"SELECT SUM(v) FROM {name}")
        self.assertEqual(self.control.faults()[0]["hits"], 0)
        self.sql(f"SELECT SUM(v) FROM {name}")
        rule = self.control.clear_faults()[0]
        self.assertEqual((rule["hits"], rule["seen"]), (2, 3))
        with self.assertRaisesRegex(Failure, "unknown kind"):
            self.control.set_faults({"method": "*", "kind": "nonsense"})

    def test_a_hanging_request_ends_with_its_caller(self):
        name, table_id = self.make_table(2)
        self.control.set_faults({"method": "Coprocessor", "kind": "hang", "table_id": table_id, "count": -1})
        ((thread,),) = self.sql("SELECT CONNECTION_ID()")
        failed = []

        def query():
            try:
                self.sql(f"SELECT SUM(v) FROM {name}")
            except pymysql.MySQLError as error:
                failed.append(error)

        worker = threading.Thread(target=query)
        worker.start()
        wait_for(lambda: self.control.faults()[0]["hits"] > 0)
        self.assertGreaterEqual(self.control.stats()["methods"]["Coprocessor"]["in_flight"], 1)
        killer = self.connect()
        with killer.cursor() as cursor:
            cursor.execute(f"KILL TIDB QUERY {thread}")
        killer.close()
        worker.join(15)
        self.assertFalse(worker.is_alive())
        self.assertEqual(len(failed), 1)
        self.control.clear_faults()
        wait_for(lambda: self.control.stats()["methods"]["Coprocessor"]["in_flight"] == 0)

    def test_locks_of_a_dead_writer(self):
        name, table_id = self.make_table(3)
        keys = [row_key(table_id, n) for n in (1, 2)]
        made = self.control.lock(primary=keys[0].hex(), keys=[k.hex() for k in keys], op="del", ttl_ms=1, txn_size=77)
        self.assertEqual(made["locked"], 2)
        seen = [lock for lock in self.control.locks() if lock["start_ts"] == made["start_ts"]]
        self.assertEqual([(lock["key"], lock["type"], lock["txn_size"]) for lock in seen], [(k.hex(), "Del", 77) for k in keys])
        time.sleep(0.05)
        self.assertEqual(self.sql(f"SELECT SUM(v) FROM {name}"), ((6,),))  # rolled back: the deletion never was
        wait_for(lambda: not [lock for lock in self.control.locks() if lock["start_ts"] == made["start_ts"]])

    def test_an_async_commit_of_a_dead_writer_is_committed(self):
        name, table_id = self.make_table(3)
        keys = [row_key(table_id, n) for n in (1, 2)]
        self.control.split(keys[1])
        self.control.lock(primary=keys[0].hex(), keys=[k.hex() for k in keys], op="del", ttl_ms=1,
                          async_commit=True, secondaries=[keys[1].hex()])
        time.sleep(0.05)
        self.assertEqual(self.sql(f"SELECT SUM(v) FROM {name}"), ((3,),))  # all its locks are there: it counts

    def test_store_restart_and_kill_keep_data_and_locks(self):
        name, table_id = self.make_table(500)
        regions = {r["id"] for r in self.regions_of(table_id)}
        key = row_key(table_id, 5).hex()
        made = self.control.lock(primary=key, keys=[key], op="del", ttl_ms=600_000)
        for end in (self.cluster.restart, self.cluster.kill):
            end("store")
            if end == self.cluster.kill:
                self.assertEqual(self.cluster.status()["store"]["state"], "stopped")
                self.cluster.start("store")
            self.assertEqual([lock["start_ts"] for lock in self.control.locks() if lock["key"] == key], [made["start_ts"]])
            self.assertLessEqual(regions, {r["id"] for r in self.control.regions()})
            self.assertEqual(self.sql(f"SELECT COUNT(*), SUM(v) FROM {name} WHERE id > 10"), ((490, 125195),))

    def test_kill_by_fault_between_the_phases(self):
        name, table_id = self.make_table(2)
        self.sql("SET tidb_enable_1pc = 0, tidb_enable_async_commit = 0")
        self.control.set_faults({"method": "KvCommit", "kind": "kill", "table_id": table_id})
        done = []

        def insert():
            self.sql(f"INSERT INTO {name} VALUES (10, 10, '')")
            done.append(True)

        worker = threading.Thread(target=insert)
        worker.start()
        wait_for(lambda: self.cluster.status()["store"]["state"] == "stopped")
        self.cluster.start("store")
        worker.join(30)
        self.assertTrue(done, "the commit was not retried to success")
        self.assertEqual(self.sql(f"SELECT SUM(v) FROM {name}"), ((13,),))

    def test_pd_and_tidb_restart(self):
        name, _ = self.make_table(50)
        self.cluster.restart("pd")
        self.assertEqual(self.sql(f"SELECT SUM(v) FROM {name}"), ((1275,),))
        self.cluster.restart("tidb")
        self.connection = self.connect()
        self.assertEqual(self.sql(f"SELECT SUM(v) FROM {name}"), ((1275,),))
        self.make_table(1)  # and DDL goes on

    def test_pause_and_resume(self):
        name, _ = self.make_table(2)
        self.addCleanup(lambda: self.cluster.status()["store"]["state"] == "paused" and self.cluster.resume("store"))
        self.cluster.pause("store")
        self.assertEqual(self.cluster.status()["store"]["state"], "paused")
        self.assertFalse(self.cluster.status()["running"])
        timer = threading.Timer(0.5, self.cluster.resume, ["store"])
        timer.start()
        begin = time.monotonic()
        self.assertEqual(self.sql(f"SELECT SUM(v) FROM {name}"), ((3,),))
        self.assertGreater(time.monotonic() - begin, 0.3)
        timer.join()

    def test_many_writers_of_one_row(self):
        name, _ = self.make_table(1)
        failures = []

        def work():
            connection = self.connect()
            try:
                with connection.cursor() as cursor:
                    for _ in range(30):
                        cursor.execute(f"UPDATE {name} SET v = v + 1 WHERE id = 1")
            except pymysql.MySQLError as error:
                failures.append(error)
            finally:
                connection.close()

        workers = [threading.Thread(target=work) for _ in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        self.assertEqual(failures, [])
        self.assertEqual(self.sql(f"SELECT v FROM {name}"), ((121,),))


class SeveralStores(Shared):
    """Three stores in one process."""

    STORES = 3

    def test_leaders_are_spread_and_move(self):
        name, table_id = self.make_table(1000)
        wait_for(lambda: len(self.regions_of(table_id)) >= 8)
        stores = self.control.stats()["stores"]
        self.assertEqual(len(stores), 3)
        self.assertTrue(all(store["leaders"] > 0 for store in stores), stores)
        for store in stores:
            before = self.control.stats()["methods"]["Coprocessor"]["total"]
            for region in self.regions_of(table_id):
                self.control.transfer_leader(region["id"], store["id"])
            self.assertEqual(self.sql(f"SELECT COUNT(*), SUM(v) FROM {name}"), ((1000, 500500),))
            # More requests than regions: those that went to the old leaders came back.
            sent = self.control.stats()["methods"]["Coprocessor"]["total"] - before
            self.assertGreater(sent, len(self.regions_of(table_id)))

    def test_replica_read(self):
        name, _ = self.make_table(200)
        self.sql("SET tidb_replica_read = 'follower'")
        self.assertEqual(self.sql(f"SELECT COUNT(*), SUM(v) FROM {name}"), ((200, 20100),))


class Lifecycle(unittest.TestCase):
    """Clusters that come and go."""

    def setUp(self):
        self.cluster = Cluster(f"harness-life-{os.getpid()}")
        self.addCleanup(self.cluster.down, remove=True)

    def pids(self):
        status = self.cluster.status()
        return {role: status[role]["pid"] for role in self.cluster.roles()}

    def test_down_leaves_nothing_even_after_a_crash(self):
        self.cluster.up("throwaway")
        pids = self.pids()
        self.cluster.kill("tidb")
        (self.cluster.folder / "state.json").unlink()
        Cluster(self.cluster.name).down()
        self.assertFalse(self.cluster.folder.exists())
        for pid in pids.values():
            self.assertFalse(pathlib.Path(f"/proc/{pid}/cmdline").exists() and
                             pathlib.Path(f"/proc/{pid}/cmdline").read_bytes(), pid)

    def test_keep_is_reused_and_keeps_its_data(self):
        first = self.cluster.up("keep", REGION_SIZE)
        connection = connect(first["tidb"]["host"], first["tidb"]["port"])
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE test.kept (x INT)")
            cursor.execute("INSERT INTO test.kept VALUES (7)")
        connection.close()
        pids = self.pids()
        self.assertEqual(Cluster(self.cluster.name).up("keep")["store"]["pid"], pids["store"])
        with self.assertRaisesRegex(Failure, "is kept"):
            self.cluster.up("throwaway")
        self.cluster.down()
        again = self.cluster.up("keep")
        self.assertEqual(again["tidb"]["port"], first["tidb"]["port"])
        self.assertEqual(again["store"]["region_size"], REGION_SIZE)
        connection = connect(again["tidb"]["host"], again["tidb"]["port"])
        with connection.cursor() as cursor:
            cursor.execute("SELECT x FROM test.kept")
            self.assertEqual(cursor.fetchall(), ((7,),))
        connection.close()

    def test_a_failed_start_shows_the_logs(self):
        self.cluster.up("keep")
        self.cluster.down()
        (self.cluster.folder / "data" / "store" / "kv" / "MANIFEST").write_bytes(b"this is no manifest")
        with self.assertRaisesRegex(Failure, r"(?s)store ended.*end of .*store\.log.*open the data"):
            self.cluster.up("keep")


class CommandLine(unittest.TestCase):
    """What needs no cluster."""

    def run_it(self, *args, **env):
        return subprocess.run([str(HERE / "cluster"), *args], capture_output=True, text=True, check=False,
                              env={**os.environ, **env})

    def test_errors_are_one_clear_line(self):
        result = self.run_it("status", "--name", "no-such-cluster")
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, r"\Acluster: no cluster 'no-such-cluster' .*cluster up")
        result = self.run_it("status", TIDB_SPARK_CLUSTER="existing", TIDB_SPARK_PD="127.0.0.1:2379")
        self.assertRegex(result.stderr, "TIDB_SPARK_TIDB")
        self.assertEqual(result.returncode, 1)

    def test_a_warm_build_is_quick(self):
        build()
        begin = time.monotonic()
        build()
        self.assertLess(time.monotonic() - begin, 2)


if __name__ == "__main__":
    unittest.main()
