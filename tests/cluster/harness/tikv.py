"""A real TiKV: where its binary comes from, its configuration, the commands of its stores and of the control service."""
import hashlib
import lzma
import os
import pathlib
import shutil

from .paths import Failure, bin_dir
from .servers import Servers

VOTELESS = 10.0
"""Seconds after its start in which a store does not vote, since it may have promised a leader to wait: an election timeout of TiKV."""

VARIABLE = "TIKV_SERVER"
UNPACKED = "tikv-server"

# Written for a small machine. Sizes are checked often, so that a fresh table is split within a second or two, and PD hears of it at once;
# elections stay as slow as TiKV's own (10 ticks of 1 s), as a killed store must hurt as much as a real one does.
CONFIG = """\
memory-usage-limit = "{memory}MiB"
[log]
level = "info"
[server]
addr = "{address}"
status-addr = "{status}"
grpc-concurrency = 2
graceful-shutdown-timeout = "0s"
[storage]
reserve-space = "0"
reserve-raft-space = "0"
[storage.block-cache]
capacity = "{cache}MiB"
[raftstore]
capacity = "20GB"
split-region-check-tick-interval = "300ms"
pd-heartbeat-tick-interval = "2s"
pd-store-heartbeat-tick-interval = "1s"
merge-check-tick-interval = "200ms"
[rocksdb]
max-open-files = 1024
[raftdb]
max-open-files = 256
[coprocessor]
region-split-size = "{split}B"
region-max-size = "{most}B"
region-split-keys = {keys}
region-max-keys = {most_keys}
"""


def binary() -> tuple[pathlib.Path, str]:
    """The tikv-server to run and its stamp. An .xz is unpacked beside the other binaries, once."""
    name = os.environ.get(VARIABLE)
    if not name:
        raise Failure(f"--store tikv needs a tikv-server: set {VARIABLE} to the path of one, or of a tikv-server.xz")
    given = pathlib.Path(name).resolve()
    if not given.is_file():
        raise Failure(f"{VARIABLE} is {name}, and there is no such file")
    about = given.stat()
    stamp = hashlib.sha256(repr((str(given), about.st_size, about.st_mtime_ns)).encode()).hexdigest()
    if given.suffix != ".xz":
        if not os.access(given, os.X_OK):
            raise Failure(f"{VARIABLE} is {name}, which cannot be executed")
        return given, stamp
    out, stamp_file = bin_dir() / UNPACKED, bin_dir() / f"{UNPACKED}.stamp"
    if out.exists() and stamp_file.exists() and stamp_file.read_text() == stamp:
        return out, stamp
    bin_dir().mkdir(parents=True, exist_ok=True)
    fresh = out.with_name(f".{UNPACKED}.{os.getpid()}")  # a running cluster may be executing the old file
    try:
        with lzma.open(given) as packed, fresh.open("wb") as plain:
            shutil.copyfileobj(packed, plain, 1 << 20)
        fresh.chmod(0o755)
        fresh.replace(out)
    except (lzma.LZMAError, EOFError) as error:
        raise Failure(f"{VARIABLE} is {name}, which cannot be unpacked: {error}") from error
    finally:
        fresh.unlink(missing_ok=True)
    stamp_file.write_text(stamp)
    return out, stamp


def store_command(servers: Servers, executable: str, role: str, region_size: int) -> list[str]:
    """One store."""
    alone = servers.shape.stores == 1
    text = CONFIG.format(
        memory=3072 if alone else 1536, cache=1024 if alone else 384, split=region_size, most=region_size * 3 // 2,
        # Bytes alone decide, as in the test store: a row of a table takes more than this many.
        keys=max(region_size // 16, 64), most_keys=max(region_size // 16, 64) * 3 // 2,
        address=servers.address(role), status=servers.address(f"{role}_status"))
    if servers.tls:
        text += '[security]\nca-path = "{ca}"\ncert-path = "{cert}"\nkey-path = "{key}"\n'.format(**servers.tls)
    return [executable, f"--pd-endpoints={servers.pd_list()}", f"--data-dir={servers.data / role}",
            f"--config={servers.config(role, text)}"]


def control_command(servers: Servers) -> list[str]:
    """The control service."""
    tls = [f"--{name}={path}" for name, path in (servers.tls or {}).items()]
    return [str(servers.binaries / "control"), f"--pd={servers.pd_list()}", f"--addr={servers.address('control')}", *tls]
