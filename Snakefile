# Recipes become rules: one rule per stage (r1_reasoning_rl), one target per recipe (recipe_r1).
# What a stage is, with which settings and on which inputs, is decided in stages/core/pipeline/workspace.py.
import json
import shlex
import sys
import time

sys.path.insert(0, workflow.basedir)

from snakemake.cli import get_argument_parser

from data.errors import InputError
from stages.core.pipeline.overview import asked_for, check_targets, failures, stage_line, summary
from stages.core.pipeline.workspace import load_workspace

STARTED = time.time()
PYTHON = shlex.quote(sys.executable)
CONFIGURATION = json.dumps(config)
TARGETS = set(get_argument_parser().parse_known_args(sys.argv[1:])[0].targets)

try:
    workspace = load_workspace(config)
    check_targets(workspace, TARGETS)
except InputError as error:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(2)

# A cluster that ends a job signals all of its processes: the shell and `tee` wait until the stage has saved. What
# Snakemake puts before a command is replaced, not added to.
shell.prefix("set -euo pipefail; trap '' TERM; ")


rule help:
    message:
        "recipes, scales and stages"
    shell:
        "{PYTHON} -m stages.core.pipeline {CONFIGURATION:q}"


stages = {stage.folder: stage for stage in workspace.rules()}
priorities = workspace.priorities()

for stage in stages.values():

    rule:
        name:
            stage.rule_name
        input:
            [stages[parent].manifest_path for parent in stage.parents],
            [stages[parent].payload_path for parent in stage.parents],
        output:
            payload=stage.payload_path if stage.payload == "report" else directory(stage.payload_path),
            manifest=stage.manifest_path,
        priority: priorities[stage.folder]
        threads: stage.threads
        resources:
            **stage.resources,
        params:
            # Exact staleness: what decides the result, and the code that computes it.
            identity=stage.identity,
            fingerprint=stage.fingerprint,
            key=stage.key,
            script=stage.script,
        message:
            stage_line(stage)
        # Frozen: Snakemake would rerun every stage if this text changed.
        shell:
            "folder=$(dirname {output.manifest}) && "
            "{PYTHON} -m stages.core.pipeline write {output.manifest} {params.key} {CONFIGURATION:q} && "
            "{PYTHON} -m stages.{params.script} $folder/config.json 2>&1 | tee -i $folder/log.txt"


for recipe in workspace.stages:
    if recipe:

        rule:
            name:
                f"recipe_{recipe}"
            input:
                [target.manifest_path for target in workspace.targets(recipe)],
                [target.payload_path for target in workspace.targets(recipe)],
            message:
                f"recipe_{recipe} is complete"


onsuccess:
    print(summary(asked_for(workspace, TARGETS)))


onerror:
    print(
        "Stopped. What is done is kept; the same command goes on from there (after kill -9: snakemake --unlock first)."
    )
    sentences = failures(list(stages.values()), STARTED)
    if sentences:
        print(*sentences, sep="\n", file=sys.stderr)
        sys.exit(2)
