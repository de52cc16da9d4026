"""A scale file: on what, how large, how long. Imports no torch."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from data.errors import InputError
from stages.core.pipeline.schema import SCALES, check_settings, checked, keys_of, nearest, read_yaml
from stages.core.pipeline.scripts import BASES, all_scripts, base_scripts
from stages.core.pipeline.settings import KINDS, Mixture, Settings
from stages.core.pipeline.system import Lora, PublicData, System, Vllm


class Scale(BaseModel):
    """A scale file: on what, how large, how long."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    description: str
    system: System = System()
    public_data: PublicData = PublicData()
    bases: dict[str, dict[str, Any]] = Field(min_length=1)
    mixtures: dict[str, Mixture] = {}
    kinds: dict[str, dict[str, Any]] = {}
    stages: dict[str, dict[str, Any]] = {}
    why: dict[str, str] = {}
    allow_unsandboxed_code: bool = False
    resources: dict[str, dict[str, int | str]] = {}

    @property
    def file(self) -> str:
        """For error messages."""
        return str(SCALES / f"{self.name}.yaml")

    def base(self, name: str) -> tuple[str, dict[str, Any]]:
        """What makes a base (`base.pretraining`, or `base.pretrained` for a published one), and its settings."""
        settings = dict(self.bases[name])
        return settings.pop("script", f"{BASES}.pretraining"), settings


def read_scale(name: str, users: tuple[str, ...] = ()) -> dict[str, Any]:
    """The content of a scale file over that of the scale that it uses, bases and mixtures as a whole."""
    path = SCALES / f"{name}.yaml"
    content = read_yaml(path, "scale")
    used = content.pop("use", None)
    if used is None:
        return content
    if used in (*users, name):
        raise InputError(f"{path}: `use` names {used}, which uses this scale")
    merged = read_scale(str(used), (*users, name))
    for key, value in content.items():
        merged[key] = laid_over(merged.get(key), value, depth=1 if key in ("bases", "mixtures") else 2)
    return merged


def with_mixtures(settings: type[Settings], values: Any, scale: Scale, where: str) -> Any:
    """The values with each name of one of the scale's mixtures replaced by that mixture."""
    if not isinstance(values, dict):
        return values
    named = {
        field: value
        for field, value in values.items()
        if isinstance(value, str)
        and field in settings.model_fields
        and settings.model_fields[field].annotation == Mixture
    }
    for field, name in named.items():
        if name not in scale.mixtures:
            raise InputError(f"{where}: `{field}` names the mixture `{name}`; {nearest(name, scale.mixtures)}")
    return values | {field: scale.mixtures[name] for field, name in named.items()}


def laid_over(below: Any, value: Any, depth: int) -> Any:
    """`value` over `below`, mappings entry by entry down to `depth`; anything else replaces what is below."""
    if depth == 0 or not (isinstance(value, dict) and isinstance(below, dict)):
        return value
    return below | {entry: laid_over(below.get(entry), found, depth - 1) for entry, found in value.items()}


def load_scale(name: str) -> Scale:
    """A scale file, checked on its own; its stage overrides are checked where a recipe has the stage."""
    path = SCALES / f"{name}.yaml"
    content = read_scale(name)
    keys = ["use", *(key for key in keys_of(Scale) if key != "name")]
    if "name" in content:
        raise InputError(f"{path}: unknown key `name`; {nearest('name', keys)}")
    nested = {
        ("system",): keys_of(System),
        ("system", "lora"): keys_of(Lora),
        ("system", "vllm"): keys_of(Vllm),
        ("public_data",): keys_of(PublicData),
    }
    scale = checked(Scale, content | {"name": name}, path, {(): keys, ("stages", "*"): []} | nested)
    for kind, values in scale.kinds.items():
        if kind not in KINDS:
            raise InputError(f"{path}: kinds: unknown kind `{kind}`; {nearest(kind, KINDS)}")
        where = f"{path}: kinds.{kind}"
        check_settings(KINDS[kind], with_mixtures(KINDS[kind], values, scale, where), where, kind)
    for base in scale.bases:
        script, settings = scale.base(base)
        if script not in base_scripts():
            raise InputError(f"{path}: bases.{base}: `script` is {script!r}; {nearest(script, base_scripts())}")
        where, known = f"{path}: bases.{base}", all_scripts()[script]
        check_settings(known, with_mixtures(known, settings, scale, where), where, script)
    fields = {field for settings in all_scripts().values() for field in settings.model_fields}
    for field in scale.why:
        if field not in fields:
            raise InputError(f"{path}: why: unknown setting `{field}`; {nearest(field, fields)}")
    for name_, values in scale.resources.items():
        threads = values.get("threads", 1)
        if not isinstance(threads, int) or threads < 1:
            raise InputError(f"{path}: resources.{name_}: `threads` is {threads!r}, allowed: a whole number from 1")
    return scale
