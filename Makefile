# `make help` says what there is. Everything that is built goes to build/.
SHELL := /bin/bash
.DEFAULT_GOAL := help
JOBS ?= $(shell nproc)
CMAKE_FLAGS ?=
CONFIGURE = cmake -S . -G Ninja -Wno-dev --log-level=WARNING $(CMAKE_FLAGS)
BUILD = cmake --build
BENCH_TOOLS = $(CONFIGURE) -B build/release -DCMAKE_BUILD_TYPE=Release -DWEIR_TESTS=ON && \
  $(BUILD) build/release --target bench_tools -j $(JOBS)
ARM64 = $(CONFIGURE) -B build/arm64 -DCMAKE_BUILD_TYPE=Release -DCMAKE_TOOLCHAIN_FILE=cmake/arm64.cmake -DWEIR_TESTS=ON
CLANG = -DCMAKE_C_COMPILER=clang-19 -DCMAKE_CXX_COMPILER=clang++-19

.PHONY: help build demo test arm64 test-arm64 package test-deploy test-s3 test-services sim resume-time campaign full prove-memory asan fuzz bench bench-s3 bench-lambda bench-peers bench-compare bench-instructions microbench check format docs install clean

help: ## this list
	@echo "Weir: record pipelines in constant memory. What you can make:"
	@echo
	@sed -nE 's/^([a-z0-9-]+):.*## (.*)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-25s %s\n", $$1, $$2 }'
	@echo
	@echo "On Debian 12 each one installs what it needs by apt-get (root or sudo) and skips what is there."
	@echo "Variables: JOBS=$(JOBS)  CMAKE_FLAGS=  FULL=1  FUZZ_SECONDS=20  FUZZ_ONLY=  BENCH_ARGS=  BENCH_FILTER=  CHECK_ALL=1  PREFIX=/usr/local"

build: ## build/release/weir, one static binary (about three minutes on a fresh machine with two cores)
	@scripts/setup.sh build
	@$(CONFIGURE) -B build/release -DCMAKE_BUILD_TYPE=Release
	@if [ -f src/cli/main.cpp ]; then $(BUILD) build/release --target weir -j $(JOBS); else $(BUILD) build/release -j $(JOBS); fi

demo: ## build, get 336,776 real records, filter them, then 100 times as many: the memory stays
	@scripts/setup.sh demo
	@$(MAKE) --no-print-directory build
	@scripts/demo.sh

test: ## every unit test and every test that spans rooms; ends on ctest's verdict
	@scripts/setup.sh test
	@$(CONFIGURE) -B build/release -DCMAKE_BUILD_TYPE=Release -DWEIR_TESTS=ON
	@$(BUILD) build/release -j $(JOBS)
	@scripts/test.sh build/release

arm64: ## build/arm64/weir, the static binary for aarch64, cross-built
	@scripts/setup.sh arm64
	@$(ARM64)
	@$(BUILD) build/arm64 --target weir -j $(JOBS)

test-arm64: build ## unit tests for aarch64 under qemu; whole pipelines and checkpoints beside this machine's binary
	@scripts/setup.sh arm64
	@$(ARM64)
	@$(BUILD) build/arm64 --target weir weir_unit -j $(JOBS)
	@scripts/test.sh build/arm64

package: build arm64 ## build/package: the zips for AWS Lambda, function and layer, x86_64 and arm64
	@scripts/package.sh

test-deploy: build ## the templates of deploy/: cfn-lint and a parser of HCL, which it installs (150 MB), and terraform where it is there
	@scripts/setup.sh deploy
	@python3 tests/deploy/run.py --weir build/release/weir || [ $$? = 77 ]

campaign: ## all failing system calls and all kill points, of which `make test` runs a sample; minutes, ROUNDS=1 or more
	@scripts/setup.sh test
	@$(CONFIGURE) -B build/release -DCMAKE_BUILD_TYPE=Release -DWEIR_TESTS=ON
	@$(BUILD) build/release --target weir weir_syscall_tool -j $(JOBS)
	@python3 tests/crash/torture.py
	@python3 tests/crash/kill.py --rounds $(or $(ROUNDS),1)

prove-memory: ## constant memory, in one table: sealed, flat, walled, hostile (5 minutes; FULL=1: up to 100 GiB, hours)
	@scripts/setup.sh test
	@$(CONFIGURE) -B build/release -DCMAKE_BUILD_TYPE=Release -DWEIR_TESTS=ON
	@$(BUILD) build/release --target weir weir_sealed weir_wall_canary -j $(JOBS)
	@python3 tests/memory/prove.py $(if $(FULL),--full) --programs build/release/tests/memory $(POINTS); \
	  rc=$$?; [ $$rc = 77 ] || exit $$rc

full: ## test, and the hard cases at their full size: records of 10 GiB, 10 GB of zeros
	@$(MAKE) --no-print-directory test
	@WEIR_HARD_FULL=1 python3 tests/hard/run.py --weir build/release/weir

test-s3: ## S3 against real servers, radosgw and moto, which it installs (300 MB); minutes
	@scripts/setup.sh s3
	@$(CONFIGURE) -B build/release -DCMAKE_BUILD_TYPE=Release -DWEIR_TESTS=ON
	@$(BUILD) build/release --target weir -j $(JOBS)
	@for server in moto radosgw; do python3 tests/s3/run.py --server $$server --weir build/release/weir || [ $$? = 77 ] || exit 1; done

test-services: ## sinks against real servers, moto, ElasticMQ, Dynalite and Kinesalite, which it installs (250 MB), and an endpoint that fails as told
	@scripts/setup.sh services
	@$(CONFIGURE) -B build/release -DCMAKE_BUILD_TYPE=Release -DWEIR_TESTS=ON
	@$(BUILD) build/release --target weir -j $(JOBS)
	@for server in endpoint moto second; do WEIR_SERVICES_FULL=1 python3 tests/services/run.py --server $$server --weir build/release/weir || [ $$? = 77 ] || exit 1; done

sim: ## lives of jobs on a simulated machine, SEEDS=200000 of them from FROM=1; `build/release/tests/sim/weir_sim --seed N` tells one
	@scripts/setup.sh test
	@$(CONFIGURE) -B build/release -DCMAKE_BUILD_TYPE=Release -DWEIR_TESTS=ON
	@$(BUILD) build/release --target weir_sim -j $(JOBS)
	@build/release/tests/sim/weir_sim --seeds $(or $(SEEDS),200000) --from $(or $(FROM),1) --processes $(JOBS)

resume-time: ## what going on costs at 1 %, 50 % and 99 % of a gzip of GIB=1 decoded (GIB=10: the figure of record, minutes)
	@$(MAKE) --no-print-directory build
	@scripts/resume_time.sh build/release/weir $(or $(GIB),1)

asan: ## unit tests again under AddressSanitizer and UBSan
	@scripts/setup.sh test
	@$(CONFIGURE) -B build/asan -DCMAKE_BUILD_TYPE=Debug -DWEIR_SANITIZE=address,undefined -DWEIR_TESTS=ON
	@$(BUILD) build/asan --target weir_unit -j $(JOBS)
	@UBSAN_OPTIONS=print_stacktrace=1 ASAN_OPTIONS=detect_stack_use_after_return=1 scripts/test.sh build/asan -L unit

fuzz: ## every fuzz target for FUZZ_SECONDS each (clang, libFuzzer, sanitizers)
	@scripts/setup.sh fuzz
	@$(CONFIGURE) -B build/fuzz -DCMAKE_BUILD_TYPE=Release $(CLANG) -DWEIR_FUZZ=ON -DWEIR_SANITIZE=address,undefined
	@$(BUILD) build/fuzz --target weir_fuzz -j $(JOBS)
	@scripts/fuzz.sh

bench: ## whole jobs beside the peers that are here, on one core (bench/README.md); BENCH_ARGS="--jobs J1,J6 --mb 200"
	@scripts/setup.sh bench
	@$(BENCH_TOOLS)
	@python3 bench/run.py $(BENCH_ARGS)

bench-s3: ## S3 to S3 on loopback beside the same job on files, and beside Python on the same server; BENCH_ARGS="--server radosgw --mb 100"
	@scripts/setup.sh s3
	@$(BENCH_TOOLS)
	@python3 bench/s3_bench.py $(BENCH_ARGS); rc=$$?; [ $$rc = 77 ] || exit $$rc

bench-lambda: ## as a Lambda function of 128 MB in `weir emulate`, beside Python with its own runtime client; BENCH_ARGS="--mib 1024"
	@scripts/setup.sh s3
	@$(BENCH_TOOLS)
	@python3 bench/lambda_run.py $(BENCH_ARGS)

bench-peers: ## install the peers that package registries have, under build/peers
	@scripts/bench_peers.sh

bench-compare: ## this tree beside another revision, job by job: BASE=<rev>
	@scripts/setup.sh bench
	@$(BENCH_TOOLS)
	@JOBS=$(JOBS) python3 bench/compare.py $(or $(BASE),main) $(BENCH_ARGS)

bench-instructions: ## instructions per byte of each job beside the recorded ones; UPDATE=1 records
	@scripts/setup.sh bench
	@$(BENCH_TOOLS)
	@python3 bench/instructions.py $(if $(UPDATE),--update) $(BENCH_ARGS)

microbench: ## the kernels alone (Google Benchmark); BENCH_FILTER=<regex> picks some
	@scripts/setup.sh bench
	@$(CONFIGURE) -B build/bench -DCMAKE_BUILD_TYPE=Release -DWEIR_BENCH=ON
	@$(BUILD) build/bench --target weir_bench -j $(JOBS)
	@scripts/microbench.sh

check: ## format, include arrows, and names (clang-tidy) of what the branch changed; CHECK_ALL=1: of all files
	@scripts/setup.sh check
	@$(CONFIGURE) -B build/release -DCMAKE_BUILD_TYPE=Release -DWEIR_TESTS=ON
	@scripts/check.sh

docs: ## rewrite the generated parts of docs/ from the tables in the code
	@scripts/setup.sh test
	@$(CONFIGURE) -B build/release -DCMAKE_BUILD_TYPE=Release -DWEIR_TESTS=ON
	@$(BUILD) build/release --target weir_plan_test --target weir -j $(JOBS)
	@WEIR_UPDATE_DOCS=1 build/release/weir_plan_test --gtest_filter='*docs_hold*'
	@WEIR_UPDATE_DOCS=1 python3 tests/hard/run.py --weir build/release/weir memory_test -k docs_hold

format: ## put all sources into the one format
	@scripts/setup.sh check
	@git ls-files -co --exclude-standard -- 'src/*.cpp' 'src/*.hpp' 'src/*.h' 'include/*.hpp' 'include/*.h' 'tests/*.cpp' 'examples/*.cpp' 'bench/*.cpp' | xargs -r clang-format-19 -i

install: build ## the binary, the library, its headers and a CMake package, under PREFIX
	@$(BUILD) build/release -j $(JOBS)
	@cmake --install build/release --prefix $(or $(PREFIX),/usr/local)

clean: ## throw build/ away (fetched sources stay in the user's cache folder)
	@rm -rf build
