# Everything a person or CI does with this project. `make` alone lists it.

PYTHON ?= python3
BIN := .venv/bin
PY := $(BIN)/python
PIP := $(PY) -m pip install --quiet --disable-pip-version-check --no-input --require-hashes --only-binary :all:
PYTEST := $(PY) -m pytest
# Each of the two processes has servers of its own; the tests of one file stay together, and share a platform.
PARALLEL := --numprocesses 2 --dist loadfile --no-loadscope-reorder
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes
CODE := jobsite jobs scheduler recovery
RUNTIME := .venv/.runtime
TOOLS := .venv/.tools

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test check check-static lint format types contracts migrations races acceptance ui \
	screenshots bench kills codes torture faults lock clean

help: ## List what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(RUNTIME) ## Start everything on this machine; Ctrl-C stops it
	@$(PY) -m jobsite.run

test: $(TOOLS) ## Run every test; needs no server of yours
	$(PYTEST) $(PARALLEL)

check: check-static test ## Everything CI runs

check-static: lint types contracts migrations ## The checks that run no test

lint: $(TOOLS) ## Style and mistakes
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(TOOLS) ## Write the code in the common style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(TOOLS) ## Types
	$(PY) -m mypy $(CODE) tests

contracts: $(TOOLS) ## Which part may import which
	$(BIN)/lint-imports

migrations: $(TOOLS) ## No model without its migration
	$(PY) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run

races: $(TOOLS) ## Two real connections against each other: each pair of transitions, in ROUNDS=200 of each order
	RACE_ROUNDS=$(or $(ROUNDS),200) $(PYTEST) -q -m races

.PHONY: model
model: $(TOOLS) ## Explore every interleaving of the protocol, and of its mutants; ONLY="A1 no_t4b" for some, WORKERS=2
	MODEL_WORKERS=$(or $(WORKERS),2) $(PY) -m tests.model $(ONLY)
	$(if $(ONLY),,MACHINE=full $(PYTEST) -q -s -m proof tests/machine)

.PHONY: machine
machine: $(TOOLS) ## Stories in which anybody may stop or die anywhere, told with the real code; MACHINE=full for hours
	MACHINE=$(or $(MACHINE),ci) $(PYTEST) -q -s -m proof tests/machine

.PHONY: mutants
mutants: $(TOOLS) ## Break each clause of the product once and see which test notices; ONLY="move_no_hold" for some
	$(PY) -m tests.mutants --at-once $(or $(AT_ONCE),2) $(ONLY)

.PHONY: mutants-generated
mutants-generated: $(TOOLS) ## Try SAMPLE=60 changes of lifecycle and recovery, chosen by SEED; writes tests/mutants/GENERATED.md
	$(PY) -m tests.mutants.generated --sample $(or $(SAMPLE),60) $(if $(SEED),--seed $(SEED))

.PHONY: sweep
sweep: $(TOOLS) ## Let every process fail at every fault point in every way; ONLY="ticket.before kill" for some
	SWEEP=all SWEEP_ONLY="$(ONLY)" SWEEP_PATIENCE=$(or $(PATIENCE),30) $(PYTEST) -q -s -m proof tests/sweep

.PHONY: splitbrain
splitbrain: $(TOOLS) ## Nodes that are cut off or suspended, ROUNDS=50 times each: does any job run twice?
	SPLIT_ROUNDS=$(or $(ROUNDS),50) $(PYTEST) -q -s tests/acceptance/test_split.py

.PHONY: chaos chaos-smoke
chaos: $(TOOLS) ## JOBS=1000 under FAULTS=100 on three nodes, SEED=…, MODE=liveness|safety: nothing lost, stuck or twice?
	$(PY) -m tests.chaos --jobs $(or $(JOBS),1000) --faults $(or $(FAULTS),100) --mode $(or $(MODE),liveness) \
		--pace $(or $(PACE),1) $(addprefix --seed ,$(SEED))

.PHONY: chaos-sabotage
chaos-sabotage: $(TOOLS) ## Spoil a small round of chaos in eighteen ways: does its oracle see each of them?
	$(PY) -m tests.chaos --sabotage --jobs 12 --faults 0 --seed 1

chaos-smoke: $(TOOLS) ## The same with 300 jobs and 30 faults, in about 3 minutes
	$(PY) -m tests.chaos --jobs 300 --faults 30 $(addprefix --seed ,$(SEED))

acceptance: $(TOOLS) ## Only the tests with a real broker, real workers and real jobs
	$(PYTEST) -m "acceptance and not proof"

ui: $(TOOLS) ## Only the tests in a real browser
	$(PYTEST) -m ui

screenshots: $(TOOLS) ## Take a picture of every page, narrow and wide, light and dark
	$(PY) -m tests.ui.screenshots

bench: $(TOOLS) ## Measure beside peers in the same run; BENCH="launch --jobs 1000" for one of them
	$(PY) -m benchmarks $(BENCH)

.PHONY: soak
soak: $(TOOLS) ## A platform under MINUTES=30 of RATE=5 jobs/s: does its memory, or anything it holds, grow?
	$(PY) -m benchmarks soak --minutes $(or $(MINUTES),30) --rate $(or $(RATE),5)

.PHONY: drill
drill: $(RUNTIME) ## Kill everything in a sandbox platform under load, and print the scorecard
	@$(PY) -m jobsite.drill

.PHONY: drills
drills: $(TOOLS) ## Drills of platforms with a planted fault, and one that is stopped: is it seen, is anything left?
	$(PYTEST) -q tests/drill/slow.py

.PHONY: backlog
backlog: $(TOOLS) ## The sweep at a start, and a scheduler's pass, with 1,000 to 100,000 waiting jobs: time and memory
	$(PY) -m benchmarks backlog

.PHONY: beats
beats: $(TOOLS) ## Celery Beat dead, twice, hanging: does every bound hold, until what a lost node ran runs elsewhere?
	BEAT_ROUNDS=1 $(PYTEST) -m proof -q tests/acceptance/test_beat.py

codes: $(TOOLS) ## Run a job for each exit code and each signal: is each told as it was?
	$(PYTEST) -q tests/acceptance/test_exit.py -k f58

kills: $(TOOLS) ## kill -9 under running jobs, ROUNDS=20 times each with JOBS=50: is every end told as it was?
	KILL_ROUNDS=$(or $(ROUNDS),20) KILL_JOBS=$(or $(JOBS),50) $(PYTEST) -q -s tests/acceptance/test_kill.py -k "not again"

torture: $(TOOLS) ## One job that writes 10 GiB at full speed: ends it at the cap, and whose memory grows?
	TORTURE_MB=$(or $(MB),10240) $(PYTEST) -q -s tests/acceptance/test_output_torture.py -k f54

faults: $(TOOLS) ## Write down which tests show what happens when something goes wrong
	@$(PY) -m tests.fault_table
	@$(PY) -m tests.reliability page

.PHONY: reliability
reliability: $(TOOLS) ## Write docs/reliability.md, with what the long proofs have left in test-results/
	@$(PY) -m tests.reliability

.PHONY: measure
measure: $(TOOLS) ## Play one long proof, ROUND=races for example, and keep what came of it in docs/results/
	@$(PY) -m tests.reliability measure $(ROUND)

lock: $(TOOLS) ## Pin the dependencies of requirements*.in again, with hashes
	$(LOCK) requirements.in -o requirements.txt
	$(LOCK) requirements-dev.in -o requirements-dev.txt

clean: ## Remove what is made here; never the data in var/
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis staticfiles test-results
	find . -name __pycache__ -not -path './var/*' -prune -exec rm -rf {} +

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Jobsite needs Python 3.11 or later; $(PYTHON) is older. Try: make PYTHON=python3.11 $(MAKECMDGOALS)" >&2; \
		exit 1; }
	@$(PYTHON) -m venv .venv || { \
		echo "$(PYTHON) cannot make a virtual environment. On Debian: apt-get install python3-venv" >&2; \
		rm -rf .venv; exit 1; }

$(RUNTIME): requirements.txt | $(PY)
	@echo "Installing what requirements.txt pins into .venv …"
	@$(PIP) --requirement requirements.txt
	@ln -sf ../../bin/jobsite $(BIN)/jobsite
	@touch $@

$(TOOLS): requirements-dev.txt $(RUNTIME)
	@echo "Installing what requirements-dev.txt pins into .venv …"
	@$(PIP) --requirement requirements-dev.txt
	@touch $@
