"""The report of a recipe: one HTML page that needs no network.

CONSUMES  every stage of the recipe that finished: manifest, config, metrics.jsonl; the evaluation's two tables
PRODUCES  report.html: results beside the paper's, curves, completions, filter counts, fidelity table, lineage
PAPER     R1's Table 3 and Table 6 stand beside the run's own numbers
"""

from stages.core.run.stage import Run, stage_main
from stages.evaluation.reporting import read_stage, render


def main(run: Run) -> None:
    stages = [read_stage(name, run.parent("stages", name)) for name in run.config["inputs"]["stages"]]
    html = render(run.recipe, run.scale, stages)
    seconds = sum(float(stage.manifest.get("seconds") or 0) for stage in stages)
    run.save_report(html, headline={"stages": len(stages), "seconds of all stages": round(seconds, 1)})


if __name__ == "__main__":
    stage_main(main, __doc__)
