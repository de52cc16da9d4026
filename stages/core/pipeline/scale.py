"""A scale file: on what, how large, how long. Imports no torch."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from data.errors import InputError
from stages.core.allowed.mixtures import Anything, Mixture
from stages.core.allowed.sentences import complaint, nearest, shown
from stages.core.allowed.values import Count, Positive, Text
from stages.core.pipeline.schema import SCALES, check_settings, checked, keys_of, read_yaml, scale_file
from stages.core.pipeline.scripts import BASES, all_scripts, base_scripts
from stages.core.pipeline.settings import KINDS, Settings
from stages.core.pipeline.system import Lora, PublicData, System, Vllm

Size = Annotated[str, Field(pattern=r"^\d+(\.\d+)?\s*[kKMGTP]?i?B?$")]
Time = Annotated[str, Field(pattern=r"^(\d+(\.\d+)?\s*[wdhms][a-z]*\s*)+$")]
RESOURCES: dict[str, TypeAdapter] = {
    "threads": TypeAdapter(Positive),
    "runtime": TypeAdapter(Positive | Time),
    **dict.fromkeys(("mem", "disk"), TypeAdapter(Count | Size)),
    **dict.fromkeys(
        ("mem_mb", "mem_mib", "disk_mb", "disk_mib", "mem_mb_per_cpu", "gpu", "gpus", "nodes", "tasks", "cpus_per_task",
         "tasks_per_gpu", "tasks_per_node"),
        TypeAdapter(Count),
    ),
}  # fmt: skip
"""What Snakemake and its executors take for a number; any other resource is a number or a text, as they like it."""
OTHER_RESOURCE: TypeAdapter = TypeAdapter(Count | Text)


def _identifier(name: str) -> str:
    if not name.isidentifier():
        raise ValueError("a name is made of letters, digits and underscores")
    return name


Name = Annotated[str, AfterValidator(_identifier)]


class Scale(BaseModel):
    """A scale file: on what, how large, how long."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    description: Text
    system: System = System()
    public_data: PublicData = PublicData()
    bases: dict[Name, dict[str, Any]] = Field(min_length=1)
    mixtures: dict[str, Anything] = {}
    kinds: dict[str, dict[str, Any]] = {}
    stages: dict[str, dict[str, Any]] = {}
    why: dict[str, str] = {}
    allow_unsandboxed_code: bool = False
    resources: dict[str, dict[Name, Any]] = {}

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
    path = scale_file(name)
    content = read_yaml(path, "scale")
    if "use" not in content:
        return content
    used = content.pop("use")
    if not isinstance(used, str):
        raise InputError(f"{path}: `use` is {shown(used)}, allowed: the name of a scale")
    if used in (*users, name):
        raise InputError(f"{path}: `use` names {used}, which uses this scale")
    merged = read_scale(used, (*users, name))
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
    content, path = read_scale(name), scale_file(name)
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
        if not isinstance(script, str) or script not in base_scripts():
            raise InputError(f"{path}: bases.{base}: `script` is {shown(script)}; {nearest(script, base_scripts())}")
        where, known = f"{path}: bases.{base}", all_scripts()[script]
        check_settings(known, with_mixtures(known, settings, scale, where), where, script)
    fields = {field for settings in all_scripts().values() for field in settings.model_fields}
    for field in scale.why:
        if field not in fields:
            raise InputError(f"{path}: why: unknown setting `{field}`; {nearest(field, fields)}")
    for stage, resources in scale.resources.items():
        for resource, value in resources.items():
            try:
                RESOURCES.get(resource, OTHER_RESOURCE).validate_python(value)
            except ValidationError as error:
                raise InputError(f"{path}: resources.{stage}: {complaint(error).of(resource)}") from None
    return scale
