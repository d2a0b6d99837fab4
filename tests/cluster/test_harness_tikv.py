#!/usr/bin/env python3
"""Tests of clusters with a real TiKV, on throw-away clusters of their own (two minutes).

    python3 tests/cluster/test_harness_tikv.py [-v] [Class.test]

The binary is the one of TIKV_SERVER, else ../shared/tikv/tikv-server.xz beside the repository; without either the tests are left out.
"""
import contextlib
import json
import os
import pathlib
import subprocess
import time
import unittest

from harness_case import HERE, Shared, listening_addresses, row_key, wait_for  # first: it finds the packages

from harness.cluster import Cluster
from harness.paths import REPO, Failure
from harness.sql import connect
from harness.tikv import VARIABLE

BESIDE = REPO.parent / "shared" / "tikv" / "tikv-server.xz"
if not os.environ.get(VARIABLE) and BESIDE.exists():
    os.environ[VARIABLE] = str(BESIDE)
WITH_TIKV = unittest.skipUnless(os.environ.get(VARIABLE), f"{VARIABLE} is not set and there is no {BESIDE.relative_to(REPO.parent)}")


class OnTikv(Shared):
    """A cluster of TiKV stores."""

    SIZE = 256 << 10
    UP = {"kind": "tikv"}

    def cells(self, name):
        return self.sql(f"SELECT COUNT(*), SUM(v) FROM {name}")


@WITH_TIKV
class OneStore(OnTikv):
    """The verbs of the control port and the life of one store."""

    def test_status(self):
        status = self.cluster.status()
        self.assertTrue(status["running"])
        self.assertEqual(status["store"]["kind"], "tikv")
        self.assertEqual([store["role"] for store in status["store"]["stores"]], ["store"])
        self.assertEqual(status["store"]["stores"][0]["id"], self.control.stats()["stores"][0]["id"])
        for role in self.cluster.roles():
            pid = status["control"]["pid"] if role == "control" else status[role]["pid"]
            self.assertLessEqual(listening_addresses(pid), {"0100007F", "0" * 16 + "FFFF00000100007F"}, role)
        with self.assertRaisesRegex(Failure, "no server 'store-2'; this cluster has pd, store, tidb, control"):
            self.cluster.kill("store-2")

    def test_regions_split_by_size_and_cover_the_key_space(self):
        name, table_id = self.make_table(10_000)  # about 230 bytes a row
        wait_for(lambda: len(self.regions_of(table_id)) >= 6)
        regions = self.control.regions()
        self.assertEqual((regions[0]["start_key"], regions[-1]["end_key"]), ("", ""))
        for left, right in zip(regions, regions[1:]):
            self.assertEqual(left["end_key"], right["start_key"])
        self.assertEqual(self.cells(name), ((10_000, 50_005_000),))

    def test_split_and_merge(self):
        name, table_id = self.make_table(10)
        self.assertGreater(self.control.split(row_key(table_id, 4), row_key(table_id, 7)), 3)
        self.control.split(row_key(table_id, 4))
        starts = [region["start_key"] for region in self.regions_of(table_id)]
        self.assertEqual(starts[1:3], [row_key(table_id, 4).hex(), row_key(table_id, 7).hex()])
        left, middle, right = self.regions_of(table_id)[:3]
        with self.assertRaisesRegex(Failure, "not neighbours"):
            self.control.merge(left["id"], right["id"])
        self.control.merge(middle["id"], right["id"])
        self.assertEqual([r["id"] for r in self.regions_of(table_id)[:2]], [left["id"], right["id"]])
        self.assertEqual(self.regions_of(table_id)[1]["start_key"], row_key(table_id, 4).hex())
        self.assertEqual(self.cells(name), ((10, 55),))

    def test_locks_and_pairs(self):
        name, table_id = self.make_table(3)
        keys = [row_key(table_id, n) for n in (1, 2)]
        self.control.split(keys[1])
        everything = row_key(table_id, 0), row_key(table_id, 9)
        self.assertEqual([key for key, _ in self.control.pairs(*everything)], [*keys, row_key(table_id, 3)])
        made = self.control.lock(primary=keys[0].hex(), keys=[k.hex() for k in keys], op="del", ttl_ms=1, txn_size=77)
        self.assertEqual(made["locked"], 2)
        seen = [lock for lock in self.control.locks() if lock["start_ts"] == made["start_ts"]]
        self.assertEqual([(lock["key"], lock["type"], lock["txn_size"]) for lock in seen], [(k.hex(), "Del", 77) for k in keys])
        self.assertEqual(len(self.control.locks(1)), 1)
        with self.assertRaisesRegex(Failure, "locked"):
            self.control.pairs(*everything)
        self.assertEqual(self.sql(f"SELECT SUM(v) FROM {name}"), ((6,),))  # rolled back: the deletion never was

        def gone():  # a reader that knows the transaction's fate passes by its other locks: the next one takes them away
            self.sql(f"SELECT SUM(v) FROM {name}")
            return made["start_ts"] not in [lock["start_ts"] for lock in self.control.locks()]

        wait_for(gone)
        self.assertEqual(len(self.control.pairs(*everything)), 3)
        self.control.lock(primary=keys[0].hex(), keys=[k.hex() for k in keys], op="del", ttl_ms=1,
                          async_commit=True, secondaries=[keys[1].hex()])
        time.sleep(0.05)
        self.assertEqual(self.sql(f"SELECT SUM(v) FROM {name}"), ((3,),))  # all its locks are there: it counts
        held = self.control.lock(primary=keys[0].hex(), keys=[keys[0].hex()], pessimistic=True, ttl_ms=1)
        self.assertIn((held["start_ts"], "PessimisticLock"), [(lock["start_ts"], lock["type"]) for lock in self.control.locks()])

    def test_what_only_the_test_store_can(self):
        self.assertEqual(self.control.faults(), [])
        self.assertEqual(self.control.clear_faults(), [])
        with self.assertRaisesRegex(Failure, "no fault rules"):
            self.control.set_faults({"method": "*", "kind": "delay", "ms": 1})
        with self.assertRaisesRegex(Failure, "unknown operator"):
            self.control.schedule(name="nonsense")

    def test_counters(self):
        name, _ = self.make_table(2)
        before = self.control.stats()["methods"]["Coprocessor"]["total"]
        self.cells(name)
        wait_for(lambda: self.control.stats()["methods"]["Coprocessor"]["total"] > before)

    def test_an_index_is_added_by_files(self):
        self.assertEqual(self.sql("SELECT @@tidb_ddl_enable_fast_reorg"), ((1,),))
        name, _ = self.make_table(500)
        self.sql(f"ALTER TABLE {name} ADD INDEX by_v (v)")
        self.sql(f"ADMIN CHECK TABLE {name}")

    def test_kill_and_restart_keep_data_and_locks(self):
        name, table_id = self.make_table(500)
        key = row_key(table_id, 5).hex()
        made = self.control.lock(primary=key, keys=[key], op="del", ttl_ms=600_000)
        for end in (self.cluster.restart, self.cluster.kill):
            end("store-1")  # another name of `store`
            if end == self.cluster.kill:
                self.assertEqual(self.cluster.status()["store"]["stores"][0]["state"], "stopped")
                self.cluster.start("store")
            self.assertEqual([lock["start_ts"] for lock in self.control.locks() if lock["key"] == key], [made["start_ts"]])
            self.assertEqual(self.sql(f"SELECT COUNT(*), SUM(v) FROM {name} WHERE id > 10"), ((490, 125195),))

    def test_pause_and_resume(self):
        name, _ = self.make_table(2)
        self.cluster.pause("store")
        self.addCleanup(lambda: self.cluster.status()["store"]["state"] == "paused" and self.cluster.resume("store"))
        self.assertFalse(self.cluster.status()["running"])
        self.cluster.resume("store")
        self.assertEqual(self.cells(name), ((2, 3),))

    def test_control_restarts(self):
        self.cluster.restart("control")
        self.assertGreater(self.control.stats()["regions"], 10)


@WITH_TIKV
class ThreeStores(OnTikv):
    """Three processes, three copies."""

    STORES = 3

    def test_every_region_has_three_peers(self):
        name, table_id = self.make_table(10_000)
        wait_for(lambda: len(self.regions_of(table_id)) >= 6)
        for region in self.control.regions():
            self.assertEqual(len({peer["store_id"] for peer in region["peers"]}), 3, region)
        status = self.cluster.status()
        self.assertEqual([store["role"] for store in status["store"]["stores"]], ["store", "store-2", "store-3"])
        self.assertEqual(len({store["pid"] for store in status["store"]["stores"]}), 3)
        stores = self.sql("SELECT store_state_name FROM information_schema.tikv_store_status")
        self.assertEqual(stores, (("Up",),) * 3)
        for store in self.control.stats()["stores"]:
            for region in self.regions_of(table_id):
                self.control.transfer_leader(region["id"], store["id"])
            self.assertEqual({region["store_id"] for region in self.regions_of(table_id)}, {store["id"]})
            self.assertEqual(self.cells(name), ((10_000, 50_005_000),))

    def test_a_peer_goes_and_comes(self):
        _, table_id = self.make_table(2)
        region = self.regions_of(table_id)[0]
        follower = next(peer["store_id"] for peer in region["peers"] if peer["store_id"] != region["store_id"])
        self.control.schedule(name="remove-peer", region_id=region["id"], store_id=follower)
        # PD puts it back by itself: with new id, as a new peer.
        wait_for(lambda: self.regions_of(table_id)[0]["conf_ver"] >= region["conf_ver"] + 2 and
                 len(self.regions_of(table_id)[0]["peers"]) == 3)

    def test_a_store_dies_and_others_lead(self):
        name, table_id = self.make_table(200)
        self.control.split(row_key(table_id, 70), row_key(table_id, 140))
        self.control.spread_leaders()
        for number, end in enumerate((self.cluster.kill, self.cluster.pause)):
            victim = self.cluster.status()["store"]["stores"][number + 1]
            bring_back = (self.cluster.start, self.cluster.resume)[number]
            end(victim["role"])
            undo = contextlib.ExitStack()
            self.addCleanup(undo.close)
            undo.callback(bring_back, victim["role"])
            self.assertEqual(self.cluster.status()["store"]["stores"][number + 1]["state"], "stopped" if number == 0 else "paused")
            self.sql(f"INSERT INTO {name} VALUES ({1000 + number}, 0, '')")
            self.assertEqual(self.cells(name), ((201 + number, 20100),))
            undo.close()
            self.assertEqual(self.cells(name), ((201 + number, 20100),))
            time.sleep(10)  # a store that has just started gives no vote


@WITH_TIKV
class Lifecycle(unittest.TestCase):
    """Clusters that come and go."""

    def setUp(self):
        self.cluster = Cluster(f"harness-tikv-life-{os.getpid()}")
        self.addCleanup(self.cluster.down, remove=True)

    def test_tls_and_three_pds_kept(self):
        first = self.cluster.up("keep", 1 << 20, kind="tikv", pds=3, tls=True)
        self.assertEqual(len(first["pd"]["addresses"]), 3)
        self.assertEqual([member["role"] for member in first["pd"]["members"]], ["pd", "pd-2", "pd-3"])
        for file in first["tls"].values():
            self.assertTrue(pathlib.Path(file).exists())
        control = self.cluster.control()
        self.assertGreater(control.split(b"m-somewhere"), 2)
        with contextlib.closing(connect(first["tidb"]["host"], first["tidb"]["port"])) as connection, connection.cursor() as cursor:
            cursor.execute("CREATE TABLE test.kept (x INT)")
            cursor.execute("INSERT INTO test.kept VALUES (7)")
            leader = self.cluster.pd_leader()
            self.assertIn(leader, self.cluster.roles())
            self.cluster.pause(leader)
            cursor.execute("INSERT INTO test.kept VALUES (8)")
            self.assertNotEqual(wait_for(self.cluster.pd_leader), leader)
            self.assertGreater(control.stats()["regions"], 2)
            self.cluster.kill(leader)
            self.cluster.start(leader)
        self.assertIn("Coprocessor", control.stats()["methods"])  # from the status port of the store, by TLS
        with self.assertRaisesRegex(Failure, "was made with kind tikv"):
            self.cluster.up("keep", kind="test")
        self.cluster.down()
        again = self.cluster.up("keep")
        self.assertEqual(again["pd"]["addresses"], first["pd"]["addresses"])
        with contextlib.closing(connect(again["tidb"]["host"], again["tidb"]["port"])) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT x FROM test.kept")
            self.assertEqual(cursor.fetchall(), ((7,), (8,)))

    def test_a_failed_start_shows_the_logs_and_leaves_nothing(self):
        script = HERE.parent.parent / "target" / f"no-tikv-{os.getpid()}"
        script.write_text("#!/bin/sh\necho this is no store\nexit 3\n")
        script.chmod(0o755)
        self.addCleanup(script.unlink)
        os.environ[VARIABLE], before = str(script), os.environ[VARIABLE]
        self.addCleanup(os.environ.__setitem__, VARIABLE, before)
        with self.assertRaisesRegex(Failure, r"(?s)store ended.*end of .*store\.log.*this is no store"):
            self.cluster.up(kind="tikv")
        self.assertFalse(self.cluster.folder.exists())


class WithoutBinary(unittest.TestCase):
    """What a missing binary says."""

    def test_it_says_what_to_set(self):
        environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
        for value, words in ((None, f"set {VARIABLE} to the path"), ("/no/such/file", "no such file")):
            result = subprocess.run([str(HERE / "cluster"), "up", "--name", "no-binary", "--store", "tikv"], text=True, check=False,
                                    capture_output=True, env={**environment, **({VARIABLE: value} if value else {})})
            self.assertEqual(result.returncode, 1)
            self.assertIn(words, result.stderr)

    def test_shapes_that_cannot_be(self):
        for arguments, words in ((["--tls"], "--tls needs --store tikv"), (["--pds", "2"], "1, 3 or 5 PDs")):
            result = subprocess.run([str(HERE / "cluster"), "up", "--name", "no-shape", *arguments], text=True, check=False, capture_output=True)
            self.assertEqual(result.returncode, 1)
            self.assertIn(words, result.stderr)
            self.assertEqual(json.dumps(result.stdout), '""')


if __name__ == "__main__":
    unittest.main()
