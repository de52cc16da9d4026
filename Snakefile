# Recipes become rules: one rule per stage (r1_reasoning_rl), one target per recipe (recipe_r1) and claim (claim_NAME).
# What a stage is, with which settings and on which inputs, is decided in stages/core/pipeline/workspace.py.
import json
import os
import shlex
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, workflow.basedir)

from snakemake.cli import get_argument_parser

from data.errors import InputError, say
from stages.core.pipeline.overview import asked_for, check_targets, failures, stage_line, summary
from stages.core.pipeline.workspace import load_workspace, priorities
from stages.core.run.ledger import asked, check_ledger, entries, forecast, ledger_folder, missing
from stages.core.run.gate import check_gates
from stages.core.run.lock import check_free
from stages.core.run.staleness import marks, renew_marks
from stages.core.run.untrusted_code import check_sandbox
from stages.core.run.warm_server import start_server

STARTED = time.time()
PYTHON = shlex.quote(sys.executable)
WARM = f"{PYTHON} -m stages.core.run.warm"
CONFIGURATION = json.dumps(config)
ARGUMENTS = get_argument_parser().parse_known_args(sys.argv[1:])[0]
TARGETS = set(ARGUMENTS.targets)

try:
    workspace = load_workspace(config)
    check_targets(workspace, TARGETS, writes=not ARGUMENTS.dryrun)
    laid = marks(workspace.rules())
    ledger = entries(workspace, laid, ledger_folder(config))
    check_ledger(workspace, ledger, TARGETS)
except InputError as error:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(2)

# A cluster that ends a job signals all of its processes: the shell and `tee` wait until the stage has saved. A signal
# that is trapped, not ignored, still ends what the shell starts. What Snakemake puts before a command is replaced.
shell.prefix("set -euo pipefail; trap : TERM; ")
# The code lies beside this file, wherever a job starts.
os.environ["PYTHONPATH"] = os.pathsep.join([workflow.basedir, *filter(None, [os.environ.get("PYTHONPATH")])])


rule help:
    message:
        "recipes, scales and stages"
    shell:
        # 141: the reader has seen enough, as in `snakemake | head`.
        "{PYTHON} -m stages.core.pipeline {CONFIGURATION:q} || [ $? = 141 ]"


stages = {stage.folder: stage for stage in workspace.rules()}
wanted = missing(asked(ledger, TARGETS))
priority_of = priorities(asked_for(workspace, TARGETS, wanted))
# What Snakemake makes, watches and removes is one small file a stage, its mark; a result is replaced by the next whole
# one alone (stages/core/run/staleness.py, replacing.py).
dry = tempfile.TemporaryDirectory() if ARGUMENTS.dryrun else None  # it lays its marks there, not among the results
complete = marks(stages.values(), dry and dry.name)
verdicts = renew_marks(stages.values(), dry and dry.name) if workflow.is_main_process else {}

for stage in stages.values():

    rule:
        name:
            stage.rule_name
        input:
            [complete[parent] for parent in stage.parents],
        output:
            complete[stage.folder],
        priority: priority_of[stage.folder]
        threads: stage.threads
        resources:
            **stage.resources,
        params:
            key=stage.key,
            script=stage.script,
        message:
            stage_line(stage, verdicts[stage.folder].reason if stage.folder in verdicts else "")
        shell:
            "folder=$(dirname {output:q}) && "
            '{WARM} stages.core.pipeline write "$folder/manifest.json" {params.key} {CONFIGURATION:q} && '
            '{WARM} stages.{params.script} "$folder/config.json" 2>&1 | '
            "(trap '' TERM; exec tee -i \"$folder/log.txt\") && "
            "touch {output:q}"


for recipe in workspace.stages:
    if recipe:

        rule:
            name:
                f"recipe_{recipe}"
            input:
                [complete[target.folder] for target in workspace.targets(recipe)],
            message:
                f"recipe_{recipe} is complete"


# The ledger: verdicts of studies whose kept results hold are taken as they are, the others' stages run first.
if workflow.is_main_process and asked(ledger, TARGETS):
    say(*forecast(workspace, ledger, TARGETS, verdicts, laid))


rule ledger:
    input:
        [complete[folder] for folder in missing(ledger.values())],
    localrule: True
    message:
        "ledger"
    shell:
        "{PYTHON} -m stages.evaluation.ledger {CONFIGURATION:q}"


for entry in ledger.values():
    for claim in entry.study.claims:

        rule:
            name:
                f"claim_{claim}"
            input:
                [complete[folder] for folder in missing([entry])],
            localrule: True
            params:
                claim=claim,
            message:
                f"claim_{claim}"
            shell:
                "{PYTHON} -m stages.evaluation.ledger {CONFIGURATION:q} --claim {params.claim}"


onstart:
    # What stages lack, before the first of them has run for days.
    rules = {job.rule.name for job in workflow.dag.needrun_jobs()}
    needed = [stage for stage in stages.values() if stage.rule_name in rules and workflow.is_main_process]
    try:
        for stage in needed:
            check_free(Path(stage.folder))
        check_gates(needed)
        if workflow.local_exec:
            check_sandbox(stage.config for stage in needed)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    # A single stage would not wait for it. vLLM must be told what it is for before it is loaded.
    if len(needed) > 1 and workflow.local_exec and workspace.scale.system.engine == "transformers":
        start_server()


onsuccess:
    done = asked_for(workspace, TARGETS, wanted)
    say(summary(done))
    if evaluations := [stage.folder for stage in done if stage.script.startswith("evaluation.evaluate")]:
        from stages.evaluation.closing import closing

        say(closing(evaluations))


onerror:
    say(
        "Stopped. What is done is kept; the same command goes on from there (after kill -9: snakemake --unlock first)."
    )
    sentences = failures(complete, STARTED)
    if sentences:
        say(*sentences, to=sys.stderr)
        sys.exit(2)
