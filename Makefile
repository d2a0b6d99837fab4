# The front door of the repository; `make help` lists the targets.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

# ---------------------------------------------------------------- settings

# Spark minor version of `package`, `test-it` and `demo`.
SPARK ?= 3.5
SPARKS := 3.5 4.2
SCALA_3.5 := 2.12
SCALA_4.2 := 2.13
# Scale of TPC-H in `bench`, rounds of each contender (at most), and further words for tests/bench/run, e.g. BENCH="--only scans --keep".
SCALE ?=
ROUNDS ?=
BENCH ?=
# Of the random suites, which print it: a change is judged by what it changes. Others look elsewhere: make test SEED=$$RANDOM
SEED ?= 20261121
# The Spark whose suite runs in full, and on TiKV; on the others what differs between them: see TIERS in tests/spark-it/conftest.py.
FULL := 4.2
TIER ?= full
# A real tikv-server (a path, may be an .xz) for test-tikv. Without one the test store is all there is.
TIKV_SERVER ?= $(abspath $(firstword $(wildcard ../shared/tikv/tikv-server.xz)))
export TIKV_SERVER
# Rows of the large tables of test_every_handle in test-tikv.
HANDLE_ROWS ?= 200000
# Further arguments of pytest in `test-it` and `test-faults`, e.g. ARGS="-k types -x".
ARGS ?=

export CARGO_TARGET_DIR ?= $(CURDIR)/target
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
# Both halves carry it and refuse each other when it differs.
export TIDB_SPARK_BUILD_ID := $(shell tests/tools/build-id)

OS := $(if $(filter Darwin,$(shell uname -s)),macos,linux)
ARCH := $(patsubst arm64,aarch64,$(shell uname -m))
LIBRARY := libtidb_spark.$(if $(filter macos,$(OS)),dylib,so)
NATIVE := target/native/$(OS)-$(ARCH)/$(LIBRARY)
jar = dist/tidb-spark-runtime-$(1)_$(SCALA_$(1))-$(VERSION).jar
JARS := $(foreach spark,$(SPARKS),$(call jar,$(spark)))
JAR := $(call jar,$(SPARK))

CARGO := cargo
MVN := mvn -B -ntp -q -Dstyle.color=never -f spark-plugin/pom.xml
STEP := tests/tools/step
CLUSTER := tests/cluster/cluster
WITH_CLUSTER := tests/tools/with_cluster.py
PY_SOURCES := tests/cluster tests/tools tests/spark-it tests/demo tests/bench
# Only what the native library or the jar is made of: a test's change must not rebuild them.
PLUGIN_SOURCES = $(shell find spark-plugin/src/main spark-plugin/pom.xml native/proto/proto/plan.proto -type f 2>/dev/null)

ifeq ($(filter $(SPARK),$(SPARKS)),)
$(error SPARK=$(SPARK) is not known; one of: $(SPARKS))
endif

# ---------------------------------------------------------------- help

.PHONY: help
help:  ## This list
	@echo "make demo            build all, start a cluster, run Spark SQL on TPC-H beside TiDB, stop all again"
	@echo "make test            what a change has to pass: Rust, JVM (Spark $(SPARKS)), cluster harness, Spark $(FULL) against TiDB in full, others in part"
	@echo "make test-tikv       the same suites on a real TiKV, one store and three; TIKV_SERVER=/path/to/tikv-server[.xz]    HANDLE_ROWS=200000"
	@echo "make test-all        all there is: test, each Spark in full, test-faults on each, test-tikv"
	@echo "make check           formatting, lints, licences, generated documents; no tests"
	@echo "make package         one jar with the native library inside, into dist/    SPARK=3.5|4.2 (now $(SPARK))"
	@echo "make bench           this connector beside JDBC, TiDB and raw floors; 40 minutes    SCALE=0.3 ROUNDS=5 BENCH='--only scans --quick'"
	@echo "make bench-write     of it only what writes"
	@echo "make docs            write the generated pages of docs/"
	@echo "make fmt             format Rust, Scala, Java and Go"
	@echo
	@echo "make test-rust       crates of native/, with a cluster"
	@echo "make test-jvm        unit tests of spark-plugin/ on both Spark versions"
	@echo "make test-harness    the cluster harness"
	@echo "make test-it         Spark against TiDB on one jar    SPARK=$(SPARK) ARGS='-k types'"
	@echo "make test-faults     only the suites with faults, restarts, killed processes: the long matrix    SPARK=$(SPARK)"
	@echo "make test-tikv-short the part of test-tikv that CI runs"
	@echo "make advisories      known vulnerabilities of the crates (needs the advisory database)"
	@echo
	@echo "make cluster-up      a cluster to work with, kept until cluster-down"
	@echo "make cluster-down    stop it and remove its data"
	@echo "make clean           remove what was built here"

# ---------------------------------------------------------------- tools and Python environments

.PHONY: tools
tools:
	@tests/tools/check_tools.py

target/venv-spark-%/.stamp: tests/spark-it/requirements-%.txt tests/requirements.txt | tools
	@rm -rf $(@D)
	@$(STEP) --quiet "PySpark $* (target/venv-spark-$*)" bash -c \
	  'python3 -m venv $(@D) && $(@D)/bin/python -m pip install --disable-pip-version-check -r tests/spark-it/requirements-$*.txt'
	@touch $@

VENV := target/venv-spark-$(SPARK)
PYTHON := $(VENV)/bin/python

# ---------------------------------------------------------------- package

.PHONY: native package package-all FORCE
FORCE:

# Cargo knows what is out of date; the copy is touched only when it differs, so that the jars are not made again.
$(NATIVE): FORCE | tools
	@$(STEP) "native library ($(OS)-$(ARCH), build $(TIDB_SPARK_BUILD_ID))" $(CARGO) build --release --locked -q -p ti-jni
	@mkdir -p $(@D)
	@cmp -s $(CARGO_TARGET_DIR)/release/$(LIBRARY) $@ || cp $(CARGO_TARGET_DIR)/release/$(LIBRARY) $@

native: $(NATIVE)

define JAR_RULE
$(call jar,$(1)): $(NATIVE) $$(PLUGIN_SOURCES) tests/tools/check_jar.py
	@$$(STEP) "jar for Spark $(1)" $$(MVN) -Pspark-$(1) package -DskipTests -Dnative.dir=$$(CURDIR)/target/native -Dbuild.id=$$(TIDB_SPARK_BUILD_ID)
	@mkdir -p dist
	@rm -f dist/tidb-spark-runtime-$(1)_*.jar
	@cp spark-plugin/target-$(1)/$$(@F) $$@
	@tests/tools/check_jar.py --native $(OS)-$(ARCH) --build-id $$(TIDB_SPARK_BUILD_ID) $$@
endef
$(foreach spark,$(SPARKS),$(eval $(call JAR_RULE,$(spark))))

package: $(JAR)  ## The jar of SPARK
	@ls -lh $(JAR)

package-all: $(JARS)

# ---------------------------------------------------------------- check

.PHONY: check check-rust check-deny check-scala check-docs check-sizes check-go check-python advisories fmt docs

check: tools check-python check-sizes check-rust check-deny check-go check-scala check-docs
	@echo "check: all fine"

check-rust:
	@$(STEP) "rustfmt" $(CARGO) fmt --all --check
	@$(STEP) "clippy" $(CARGO) clippy --workspace --all-targets --locked -q -- -D warnings

# The one on the PATH, else one built here: without optimisation, because a minute of building is worth more than a second of running.
DENY_VERSION := 0.20.2
DENY := $(or $(shell command -v cargo-deny 2>/dev/null),target/tools/bin/cargo-deny)
target/tools/bin/cargo-deny:
	@$(STEP) --quiet "cargo-deny $(DENY_VERSION) (once)" env CARGO_PROFILE_DEV_DEBUG=0 CARGO_TARGET_DIR=$(CURDIR)/target/tools/build \
	  $(CARGO) install --debug --locked --no-default-features --root target/tools --version $(DENY_VERSION) cargo-deny
	@rm -rf target/tools/build

check-deny: $(DENY)
	@$(STEP) "licences, bans and sources of crates" $(DENY) --locked --log-level warn check licenses bans sources

advisories: $(DENY)  ## Known vulnerabilities
	@$(STEP) "advisories" $(DENY) --locked check advisories

check-go:
	@$(STEP) "gofmt" tests/tools/gofmt-check tests/cluster
	@$(STEP) "go vet" bash -c 'cd tests/cluster/tidb && go vet ./...'

check-scala:
	@$(STEP) "scalafmt" $(MVN) spotless:check

check-python:
	@$(STEP) "Python syntax" python3 -m compileall -q -f $(PY_SOURCES)

check-sizes:
	@$(STEP) "file sizes, paths in documents" tests/tools/check_tree.py

# The pages come from the code that they describe; the jar has the configuration, the engine the types and the errors.
PAGES := types errors pushdown
check-docs: $(call jar,3.5) target/venv-spark-3.5/.stamp
	@$(STEP) "generated documents are current" tests/tools/generated_docs.py --check $(PAGES) configuration --jar $(call jar,3.5)

docs: $(call jar,3.5) target/venv-spark-3.5/.stamp  ## Generated pages
	@$(STEP) "generated documents" tests/tools/generated_docs.py $(PAGES) configuration --jar $(call jar,3.5)

fmt:  ## Format all
	@$(CARGO) fmt --all
	@gofmt -w tests/cluster
	@$(MVN) spotless:apply

# ---------------------------------------------------------------- test

.PHONY: test test-all test-rust test-jvm test-harness test-it test-it-all test-faults cluster-build
.PHONY: test-tikv test-tikv-short test-tikv-rust test-tikv-it test-tikv-stores test-tikv-frozen tikv-server

test: tools test-harness test-rust test-jvm test-it-all
	@echo "test: all suites passed"

test-all: test
	@for spark in $(filter-out $(FULL),$(SPARKS)); do $(MAKE) test-it SPARK=$$spark; done
	@for spark in $(SPARKS); do $(MAKE) test-faults SPARK=$$spark; done
	@$(MAKE) test-tikv

cluster-build: | tools
	@$(STEP) "PD, store and TiDB" $(CLUSTER) build

# In release, like the library in the jar: one build serves both.
test-rust: cluster-build
	@$(STEP) "Rust tests" $(WITH_CLUSTER) --tpch 0.01 --limit 40 -- env TI_ENGINE_SEED=$(SEED) $(CARGO) test --release --workspace --locked --tests -- --skip needs_tikv

test-jvm: | tools
	@for spark in $(SPARKS); do \
	  $(STEP) "JVM tests on Spark $$spark" $(MVN) -Pspark-$$spark test -Dnative.dir=$(CURDIR)/target/native -Dbuild.id=$(TIDB_SPARK_BUILD_ID); \
	done

test-harness: cluster-build
	@$(STEP) "Go tests of the cluster" bash -c 'cd tests/cluster/tidb && go test ./...'
	@$(STEP) "tests of the harness" python3 tests/cluster/test_harness.py

SUITES ?= tests/spark-it
PYTEST = $(PYTHON) -m pytest $(SUITES) --jar $(JAR) --seed $(SEED) --tier $(TIER)

test-it: $(JAR) $(VENV)/.stamp cluster-build
	@$(STEP) "Spark $(SPARK) against TiDB" $(WITH_CLUSTER) --tpch 0.01 --limit 75 -- $(PYTEST) $(ARGS)

# Side by side: a suite of Spark leaves a third of two cores idle. The full suite in two halves, with what the other Sparks run behind the shorter one.
test-it-all: $(JARS) $(foreach spark,$(SPARKS),target/venv-spark-$(spark)/.stamp) cluster-build
	@tests/tools/side-by-side \
	  "Spark $(FULL) a-r" "$(MAKE) test-it SPARK=$(FULL) SUITES=tests/spark-it/test_[a-r]*.py" \
	  "Spark $(FULL) s-z, others" "$(MAKE) test-it SPARK=$(FULL) SUITES=tests/spark-it/test_[s-z]*.py \
	    $(foreach spark,$(filter-out $(FULL),$(SPARKS)),&& $(MAKE) test-it SPARK=$(spark) TIER=line)"

# ---------------------------------------------------------------- test on a real TiKV

tikv-server:
	@test -n "$(TIKV_SERVER)" || { echo "TIKV_SERVER is not set: the path of a tikv-server (tiup, a release archive) or of its .xz"; exit 1; }

# What needs fault rules is left out: libtest's line of results says how many, pytest says it at its end.
test-tikv-rust: tikv-server cluster-build
	@$(STEP) "Rust tests on TiKV" env TIDB_SPARK_STORE=tikv $(WITH_CLUSTER) --tpch 0.01 --limit 40 -- \
	  env TI_ENGINE_SEED=$(SEED) $(CARGO) test --release --workspace --locked --tests -- --skip needs_faults $(NAMES)

test-tikv-it: tikv-server $(JAR) $(VENV)/.stamp cluster-build
	@$(STEP) "Spark $(SPARK) against TiDB on TiKV" env TIDB_SPARK_STORE=tikv $(WITH_CLUSTER) --tpch 0.01 --limit 75 -- $(PYTEST) $(ARGS)

# The suite of row keys again on three stores, large.
test-tikv-stores: tikv-server $(JAR) $(VENV)/.stamp cluster-build
	@$(STEP) "every kind of row key on three stores" env TIDB_SPARK_STORE=tikv $(WITH_CLUSTER) --stores 3 --limit 60 -- \
	  $(PYTEST) -k test_every_handle --handle-rows $(HANDLE_ROWS)

# Each of three stores, and two leaders of PD, for 70 s, beside TiDB.
test-tikv-frozen: tikv-server cluster-build
	@$(STEP) "servers that stand still" env FROZEN_SECONDS=70 $(CARGO) test --release --locked -p ti-client --test cluster needs_tikv::frozen -- --nocapture

test-tikv:
	@$(MAKE) test-tikv-rust
	@$(MAKE) test-tikv-it SPARK=$(FULL) ARGS="--slow --handle-rows $(HANDLE_ROWS) $(ARGS)"
	@$(MAKE) test-tikv-stores SPARK=$(FULL)
	@$(MAKE) test-tikv-frozen
	@echo "test-tikv: all suites passed on $(notdir $(TIKV_SERVER))"

test-tikv-short:
	@$(MAKE) test-tikv-rust NAMES="--skip needs_tikv cluster_access cluster_connect cluster_locks cluster_scan cluster_txn"
	@$(MAKE) test-tikv-it SPARK=$(FULL) TIER=tikv ARGS="-k 'not empty and not one'"

test-faults:
	@$(MAKE) test-it SPARK=$(SPARK) ARGS="-m faults --slow $(ARGS)"

# ---------------------------------------------------------------- demo, bench, cluster

.PHONY: demo demo-parts bench bench-write cluster-up cluster-down clean

# tests/demo/run comes back for the parts, so that tools are looked for first and all of it is one run with one end.
demo: tools
	@tests/demo/run $(SPARK)

demo-parts: $(JAR) $(VENV)/.stamp

# Both Sparks in one run, with the raw floors in Rust; the words come from SCALE, ROUNDS and BENCH.
bench: $(JARS) $(foreach spark,$(SPARKS),target/venv-spark-$(spark)/.stamp) cluster-build
	@$(STEP) "raw floors" $(CARGO) build --release --locked -q -p ti-engine --example drain -p ti-client --example write_floor
	@$(STEP) "bench" tests/bench/run $(foreach spark,$(SPARKS),--jar $(spark)=$(call jar,$(spark))) \
	  $(if $(SCALE),--scale $(SCALE)) $(if $(ROUNDS),--rounds $(ROUNDS)) $(BENCH)

bench-write:
	@$(MAKE) bench BENCH="--only appends,changes --output bench-write $(BENCH)"

cluster-up: cluster-build
	@$(CLUSTER) up --mode keep --name dev

cluster-down:
	@$(CLUSTER) down --name dev --remove

clean:
	rm -rf dist target spark-plugin/target-* tests/bench/results
	$(if $(filter $(CURDIR)/target,$(CARGO_TARGET_DIR)),,@echo "CARGO_TARGET_DIR=$(CARGO_TARGET_DIR) is left alone")
