"""The Dockerfile, as far as it can be checked without building it."""

import fnmatch
import json
import re
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "Dockerfile").read_text()
INSTRUCTIONS = [
    line.split(maxsplit=1)
    for line in re.sub(r"\\\n\s*", "", TEXT).splitlines()
    if line.strip() and not line.startswith("#")
]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def arguments(instruction: str) -> list[str]:
    """What stands behind each instruction of a kind."""
    return [rest for name, rest in INSTRUCTIONS if name == instruction]


def copied() -> set[str]:
    """Everything that is copied into the image."""
    return {source for rest in arguments("COPY") for source in rest.split()[:-1]}


def test_the_instructions_are_known_and_the_user_is_not_root():
    known = {"FROM", "ARG", "ENV", "RUN", "WORKDIR", "COPY", "USER", "VOLUME", "ENTRYPOINT", "CMD"}
    assert {name for name, _ in INSTRUCTIONS} <= known
    assert arguments("USER") == ["recipes"]
    for rest in arguments("ENTRYPOINT") + arguments("CMD"):
        assert all(isinstance(word, str) for word in json.loads(rest))


def test_every_source_exists_and_is_sent_to_the_builder():
    rules = (ROOT / ".dockerignore").read_text().split()
    assert rules[0] == "*"  # nothing but what is named: no results, environments or keys
    for source in copied():
        assert (ROOT / source).exists(), source
        assert f"!{source}" in rules, source
        assert not any(fnmatch.fnmatch(source, rule) for rule in rules[1:] if not rule.startswith("!")), source


def test_whatever_a_run_needs_is_copied():
    """Every folder with code that a stage may import, recipes, profiles, and what installs the dependencies."""
    code = {file.relative_to(ROOT).parts[0] for folder in ("stages", "data") for file in (ROOT / folder).rglob("*.py")}
    assert code | {"Snakefile", "recipes", "profiles", "pyproject.toml"} <= copied()


def test_the_pins_are_those_of_the_project():
    pins = set(PROJECT["dependencies"])
    for rest in arguments("RUN"):
        for pin in re.findall(r"[\w-]+==[\w.]+", rest):
            assert pin in pins, pin
        for extra in re.findall(r"\.\[(\w+)\]", rest):
            assert extra in PROJECT["optional-dependencies"]
    (python,) = re.findall(r"python:([\d.]+)-slim", arguments("FROM")[0])
    assert PROJECT["requires-python"] == f">={python}"


def test_programs_that_a_model_writes_are_shut_in():
    """The image has what shuts them in; Snakemake's own pod, which runs no stage, keeps the usual filters."""
    assert any("bubblewrap" in rest for rest in arguments("RUN"))
    documents = list(yaml.safe_load_all((ROOT / "profiles/kubernetes/run.yaml").read_text()))
    job = next(document for document in documents if document["kind"] == "Job")
    assert "securityContext" not in job["spec"]["template"]["spec"]["containers"][0]


def test_kubernetes_uses_the_image_as_it_is_built():
    """The same image, volume and folder in the pod that runs Snakemake and in the stages' pods."""
    profile = yaml.safe_load((ROOT / "profiles/kubernetes/profile.yaml").read_text())
    documents = list(yaml.safe_load_all((ROOT / "profiles/kubernetes/run.yaml").read_text()))
    job = next(document for document in documents if document["kind"] == "Job")
    claim = next(document for document in documents if document["kind"] == "PersistentVolumeClaim")
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["image"] == profile["container-image"]
    assert container["image"].rpartition(":")[2] == PROJECT["version"]
    name, path = profile["kubernetes-volume-persistent-volumes"][0].split(":")
    assert claim["metadata"]["name"] == name
    assert pod["volumes"][0]["persistentVolumeClaim"]["claimName"] == name
    assert container["volumeMounts"][0]["mountPath"] == path == f"{container['workingDir']}/runs"
    assert container["workingDir"] == arguments("WORKDIR")[0] == "/app"
    assert "/app/profiles/kubernetes" in TEXT  # PYTHONPATH: where the executor is found
