"""Builds the binaries from Go modules; a binary whose stamp matches is left alone."""
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

from .paths import CLUSTER_SOURCE, Failure, bin_dir

TIDB_RELEASE = "v8.5.0"
STORE_VERSION = TIDB_RELEASE.lstrip("v")

# binary: module folder, package, flags of `go build`
TARGETS = {
    "pd-server": ("pd", "github.com/tikv/pd/cmd/pd-server",
                  ["-tags", "without_dashboard", "-ldflags", "-checklinkname=0 -X github.com/tikv/pd/pkg/"
                   f"versioninfo.PDReleaseVersion={TIDB_RELEASE}"]),
    "tidb-server": ("tidb", "github.com/pingcap/tidb/cmd/tidb-server",
                    ["-ldflags", "-checklinkname=0 -X github.com/pingcap/tidb/pkg/parser/mysql."
                                 f"TiDBReleaseVersion={TIDB_RELEASE}"]),
    "store": ("tidb", "./cmd/store", ["-ldflags", "-checklinkname=0"]),
    "control": ("tidb", "./cmd/control", ["-ldflags", "-checklinkname=0"]),
}


def _sources(module: pathlib.Path, package: str) -> list[pathlib.Path]:
    """Our own Go files that go into a package: its folder's, and those of the packages of the module that it imports."""
    name = next(line.split()[1] for line in (module / "go.mod").read_text().splitlines() if line.startswith("module "))
    folders, files = [package], []
    for folder in folders:  # grows
        for file in sorted((module / folder).glob("*.go")):
            if not file.name.endswith("_test.go"):
                files.append(file)
                folders += [found for found in re.findall(f'"{re.escape(name)}/([^"]+)"', file.read_text()) if found not in folders]
    return files


def _stamp(module: pathlib.Path, package: str, flags: list[str]) -> str:
    """Hash of all that goes into a binary: module files, flags, compiler, and our own sources."""
    digest = hashlib.sha256()
    version = subprocess.run(["go", "env", "GOVERSION"], cwd=module, capture_output=True, text=True, check=False)
    digest.update(repr((package, flags, version.stdout.strip())).encode())
    files = [module / "go.mod", module / "go.sum"]
    if package.startswith("."):
        files += _sources(module, package)
    for file in files:
        digest.update(str(file.relative_to(module)).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def build(*names: str, log=sys.stderr) -> dict[str, str]:
    """Brings the binaries of these names (all without any) up to date and returns their stamps by name.

    Cold it takes about eight minutes on two cores (downloads included), warm well under a second.
    """
    if shutil.which("go") is None:
        raise Failure("Go is not on the PATH; it builds PD, the store and TiDB. Install Go 1.23 or later "
                      "(https://go.dev/dl, or the package golang-go)")
    out = bin_dir()
    out.mkdir(parents=True, exist_ok=True)
    stamps = {}
    for name in names or TARGETS:
        folder, package, flags = TARGETS[name]
        module = CLUSTER_SOURCE / folder
        stamps[name] = _stamp(module, package, flags)
        stamp_file = out / f"{name}.stamp"
        if (out / name).exists() and stamp_file.exists() and stamp_file.read_text() == stamps[name]:
            continue
        print(f"cluster: building {name} (first time: minutes) ...", file=log, flush=True)
        begin = time.monotonic()
        # Built beside and renamed: a running cluster may be executing the old file.
        fresh = out / f".{name}.{os.getpid()}"
        command = ["go", "build", "-mod=readonly", "-o", str(fresh), *flags, package]
        env = {**os.environ, "GOFLAGS": (os.environ.get("GOFLAGS", "") + " -buildvcs=false").strip()}
        result = subprocess.run(command, cwd=module, env=env, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            fresh.unlink(missing_ok=True)
            raise Failure(f"{' '.join(command)} (in {module}) failed:\n{result.stdout}{result.stderr}")
        fresh.replace(out / name)
        stamp_file.write_text(stamps[name])
        print(f"cluster: built {name} in {time.monotonic() - begin:.0f} s", file=log, flush=True)
    return stamps
