"""A stage's life: its config, its verified parents, its trainer state, its payload and the manifest that completes it.

Weights, which need torch, are loaded and saved by machines/weights.py.
"""

import argparse
import functools
import os
import shutil
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from data.errors import InputError, run_command
from data.sandbox.availability import unsandboxed
from stages.core.allowed.sentences import complaint
from stages.core.pipeline.fingerprint import digest, fingerprint
from stages.core.pipeline.schema import settings_class
from stages.core.pipeline.scripts import ROOT
from stages.core.pipeline.system import PublicData, System
from stages.core.pipeline.workspace import identity
from stages.core.run.lock import only_run
from stages.core.run.manifest import (
    complete_checkpoint,
    file_digests,
    files_digest,
    git_state,
    hardware,
    licences,
    load_config,
    manifest_digest,
    payload_path,
    remove,
    versions,
)
from stages.core.run.parts import Parts
from stages.core.run.processes import end_process, end_with_launcher, is_main, launch, rank, world_size
from stages.core.run.progress import Metrics
from stages.core.run.replacing import METRICS, NEXT, RETIRED, draft, replace_result, settle, verified
from stages.core.run.state import Attempts, read_state, wipe_state, write_state
from stages.core.run.stopping import Stopped, on_stop, stoppable
from stages.core.run.tables import PAIR, read_parquet, read_rows
from stages.core.run.untrusted_code import prepare_sandbox, tell_refusals


class Run:
    """One run of a stage script."""

    def __init__(self, config: dict[str, Any]):
        self.config = config
        self.recipe, self.scale, self.stage = config["recipe"], config["scale"], config["stage"]
        self.script = config["script"]
        self.folder = Path(config["output"])
        self.folder.mkdir(parents=True, exist_ok=True)
        self.settings: Any  # of the class that the script declares; each stage names it
        self.settings = self._part("settings", settings_class(self.script, f"the config of {self.stage}"))
        self.system = self._part("system", System)
        self.public_data = self._part("public_data", PublicData)
        self.tokens: Counter[str] = Counter()
        """Of prompts, once for all their samples; `generated`; `trained`, of which a loss is, once an epoch."""
        self.sources: dict[str, dict[str, Any]] = {}
        """What was read of public data sets: revision, and how many rows each rule dropped."""
        if self.system.engine == "vllm":
            from stages.core.run.vllm_environment import prepare_vllm

            prepare_vllm()  # before a trainer imports it
        if is_main():
            settle(self.folder)
            remove(self.folder / RETIRED)
        prepare_sandbox(config)
        old, beside = (self.folder / "manifest.json").exists(), draft(self.folder, METRICS)
        if is_main() and not old:  # it lay beside a result that is gone
            remove(beside)
        # An old result's metrics stay until this run is complete.
        self.metrics = Metrics(beside if old else self.folder / METRICS, self.stage, writes=is_main())
        self.finished = False
        self.stop_requested = False
        self.fingerprint = fingerprint(self.script)
        self._verified: dict[Path, dict[str, Any]] = {}
        self._trains = False
        self._attempts = Attempts(self.fingerprint)

    def _part(self, name: str, kind: type[BaseModel]) -> Any:
        """A part of the config as its class, which checks it as planning does."""
        try:
            return kind.model_validate(self.config[name])
        except ValidationError as error:
            wrong = complaint(error)
            sentence = wrong.of(".".join((name, *wrong.place)))
            raise InputError(f"the config of {self.stage}: {sentence}") from None

    # -- parents

    def parents(self) -> Iterable[Path]:
        """The folders of all inputs."""
        for named in self.config["inputs"].values():
            for folder in [named] if isinstance(named, str) else named.values():
                yield Path(folder)

    def parent(self, role: str, name: str | None = None) -> Path:
        """The folder of an input, its payload verified against its manifest once a run."""
        inputs = self.config["inputs"]
        if role not in inputs:
            raise InputError(f"{self.stage} has no input `{role}`: it has {', '.join(inputs) or 'none'}")
        named = inputs[role]
        if isinstance(named, dict):
            if name not in named:
                raise InputError(f"{self.stage}: input `{role}` has no `{name}`: it has {', '.join(named)}")
            named = named[name]
        self._verify(Path(named))
        return Path(named)

    def _verify(self, folder: Path) -> dict[str, Any]:
        """The manifest of a folder, its payload read at most once a run."""
        if folder not in self._verified:
            self._verified[folder] = verified(folder)
        return self._verified[folder]

    def manifest(self, role: str, name: str | None = None) -> dict[str, Any]:
        """The manifest of an input."""
        return self._verified[self.parent(role, name)]

    def load_rows(self, role: str = "data", table: str = "rows", name: str | None = None):
        """A table of an input."""
        from datasets import Dataset

        file = self.parent(role, name) / "data" / f"{table}.parquet"
        return Dataset(read_parquet(file, PAIR) if table == "pairs" else read_rows(file))

    # -- resuming

    @property
    def trainer_folder(self) -> Path:
        """Where trainer state lies; who has asked for it saves when the stage is told to stop."""
        self._trains = True
        return self.state_folder

    @functools.cached_property
    def state_folder(self) -> Path:
        """What an interrupted run of this stage has left; that of another config or of other parents is wiped."""
        folder = self.folder / "trainer"
        if not is_main():
            return folder
        digests = {str(path): self._verify(path)["digest"] for path in self.parents()}
        self._belongs = {"identity": identity(self.config), "parents": digests}
        found = read_state(folder, self._belongs)
        if found is None and wipe_state(folder):
            self.metrics.say("the settings or inputs changed since the interrupted run: starting afresh")
        self._attempts = found or self._attempts
        write_state(folder, self._belongs, self._attempts)
        return folder

    @functools.cached_property
    def finished_parts(self) -> Parts:
        """What an interrupted run has sampled, and where this one keeps what it samples; of one process alone."""
        if world_size() > 1:
            return Parts()
        parts = Parts(self.state_folder / "parts")
        if count := parts.files():
            self.metrics.carry_on()
            self.metrics.say(f"resuming {self.stage}: {count} parts were finished")
        self._note_attempt({"parts": count} if count else None)
        return parts

    def _note_attempt(self, where: dict[str, int] | None) -> None:
        """For the manifest: where the stage goes on, and with which code; None where it begins."""
        if where:
            self._attempts.resumed.append(where | {"code_fingerprint": self.fingerprint})
        else:
            self._attempts = Attempts(self.fingerprint)
        write_state(self.state_folder, self._belongs, self._attempts)

    @property
    def resume_from(self) -> str | None:
        """The newest whole `checkpoint-N` of an interrupted run of this very config; says so, and what it costs.

        Where there are several processes, the main one must have asked before the others do.
        """
        folder = self.trainer_folder
        steps = sorted((int(path.name.rpartition("-")[2]), path) for path in folder.glob("checkpoint-[0-9]*"))
        for step, path in reversed(steps):
            if complete_checkpoint(path):
                if not is_main():
                    return str(path)
                self.metrics.begin(step)
                self.metrics.say(f"resuming {self.stage} at step {step}")
                self._note_attempt({"step": step})
                return str(path)
            shutil.rmtree(path)  # half written: the trainer must not find it either
        self.metrics.begin(0)
        if is_main():
            self._note_attempt(None)
        return None

    def stop(self, signum: int, frame: Any) -> None:
        """Signal handler: a stage that trains saves at the end of its step; a second signal stops at once.

        Not where there are several processes: their launcher passes on what they have got already.
        """
        first, self.stop_requested = not self.stop_requested, True
        if not self._trains or not (first or world_size() > 1):
            raise Stopped
        if first:
            self.metrics.say("asked to stop: saving after this step")

    def check_stopped(self) -> None:
        """After training: a run that was asked to stop goes no further."""
        if self.stop_requested:
            raise Stopped

    # -- finishing

    def save_data(
        self,
        tables: dict[str, Any],
        headline: dict[str, Any],
        counts: dict[str, int] | None = None,
        tokens: dict[str, int] | None = None,
    ) -> None:
        """Tables as parquet; `counts` says what each filter rule took."""
        counts = counts or {}
        first, rows = next(iter(tables.items()))
        if not len(rows):
            listed = ", ".join(f"{rule} {count}" for rule, count in counts.items()) or "no counts"
            raise InputError(f"{self.stage}: no row is left in `{first}` after filtering ({listed})")

        def write(payload: Path) -> None:
            payload.mkdir()
            for name, table in tables.items():
                table.to_parquet(str(payload / f"{name}.parquet"))

        about = {
            "counts": counts,
            "rows": {name: len(table) for name, table in tables.items()},
            "licences": sorted({str(item) for table in tables.values() for item in licences(table)}),
            "tokens": tokens or {},
        }
        self.finish("data", write, headline, about)

    def save_report(self, html: str, headline: dict[str, Any]) -> None:
        """One HTML file."""
        self.finish("report", lambda payload: payload.write_text(html, encoding="utf-8"), headline, {})

    def finish(self, payload: str, write: Callable[[Path], Any], headline: dict[str, Any], about: dict) -> None:
        """Payload, then the manifest that declares it complete, then away with the trainer state.

        payload: its kind, as the settings declare it; write: writes it to a path; about: what else the manifest says.
        """
        self.check_stopped()
        if not is_main():
            return
        if payload != self.settings.payload:
            raise ValueError(f"{self.script} is declared to write {self.settings.payload}, not {payload}")
        made = draft(self.folder, payload_path(self.folder, payload).name)
        remove(made)
        try:
            write(made)
            replace_result(self.folder, self.manifest_of(made, payload, headline, about))
        except BaseException:
            if not (self.folder / NEXT).exists():  # from there on the draft is the result
                remove(made)
            raise
        self.finished = True
        said = ", ".join(
            f"{key} {value:.3g}" if isinstance(value, float) else f"{key} {value}" for key, value in headline.items()
        )
        self.metrics.say(f"done in {self.metrics.seconds:.0f} s{': ' if said else ''}{said}")

    def manifest_of(self, made: Path, payload: str, headline: dict[str, Any], about: dict) -> dict[str, Any]:
        """The manifest of the payload that lies in `made` for now."""
        parents = {}
        for folder in self.parents():
            self._verify(folder)
            parents[str(folder)] = manifest_digest(folder)
        files = file_digests(made, payload_path(self.folder, payload).name)
        return {
            "run_id": uuid.uuid4().hex,
            "recipe": self.recipe,
            "scale": self.scale,
            "stage": self.stage,
            "script": self.script,
            "payload": payload,
            "config": self.config,
            "config_hash": digest(identity(self.config)),
            "code_fingerprint": self.fingerprint,
            "git": git_state(),
            "parents": parents,
            "digest": files_digest(files),
            "files": files,
            "seed": self.settings.seed,
            "versions": versions(),
            "hardware": hardware(),
            "seconds": round(self.metrics.seconds, 2),
            "begun_with": self._attempts.begun_with,
            "resumed": self._attempts.resumed,
            "tokens": dict(self.tokens),
            "sources": self.sources,
            "unsandboxed": unsandboxed(),
            "headline": headline,
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        } | about


def enter_workdir(config: dict[str, Any], path: str) -> str:
    """Go to where the config's paths start from, if it lies in its own `output`; its path from anywhere.

    So a stage runs by hand from any folder; its processes find the code.
    """
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    file, output = Path(os.path.abspath(path)), Path(config["output"])
    above = file.parents[len(output.parts)] if len(output.parts) < len(file.parents) else None
    if not output.is_absolute() and above is not None and above / output == file.parent:
        os.chdir(above)
    return str(file)


def run_stage(main: Callable[[Run], None], config: dict[str, Any], path: str) -> int:
    """One run of a stage script in this process, or in several that it starts; the exit code."""
    path = enter_workdir(config, path)
    launch(config, path)
    end_with_launcher()
    with only_run(Path(config["output"])) if is_main() else nullcontext():
        run = Run(config)
        try:
            on_stop(run.stop)
            main(run)
            tell_refusals(run.metrics.say)
        finally:
            run.metrics.close()
    if is_main() and not run.finished:
        raise RuntimeError(f"{run.script} has ended without saving a {run.settings.payload}")
    return 0


def stage_main(main: Callable[[Run], None], doc: str | None) -> None:
    """`python -m stages.<script> CONFIG.json`: exit code 0 when complete, 2 for bad input, 143 when stopped."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", metavar="CONFIG.json", help="resolved config of the stage")
    path = parser.parse_args().config
    # A bar for every small table and file would bury the stage's own. Read when the libraries are imported.
    os.environ |= {"HF_DATASETS_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}

    def command() -> int:
        config = load_config(path)
        return stoppable(lambda: run_stage(main, config, path), config["stage"])

    end_process(run_command(command, "error" if is_main() else f"error (process {rank()})"))
