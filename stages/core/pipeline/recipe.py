"""A recipe file: what a paper did, stage by stage, every number with its source. Imports no torch."""

import math
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from data.errors import InputError
from stages.core.allowed.claims import Claim, claim_keys
from stages.core.allowed.sentences import nearest
from stages.core.allowed.values import Seed, Text, no_repetition
from stages.core.pipeline.schema import check_settings, checked, keys_of, read_yaml, recipe_file, settings_class
from stages.core.pipeline.scripts import all_scripts
from stages.core.pipeline.settings import Settings
from stages.core.pipeline.variants import Axes, Variant, axes_of_seeds, matching, variants

SINGLE_ROLES = ("from", "data", "sampler", "teacher")
LIST_ROLES = ("reward_models", "checkpoints")
MOST_VARIANTS = 1000
LONGEST_NAME = 100
"""Of a stage and an arm: they are names of folders."""


Names = Annotated[list[str], AfterValidator(no_repetition)]


class Paper(BaseModel):
    """What a recipe follows."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: Text
    version: Text
    url: Annotated[str, Field(pattern=r"^https?://\S+$")]


class Definition(BaseModel):
    """A stage as a recipe file writes it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    script: str | None = None
    like: str | None = None
    from_: str | None = Field(None, alias="from")
    data: str | None = None
    sampler: str | None = None
    teacher: str | None = None
    reward_models: Names | None = None
    checkpoints: Names | None = None
    arms: Axes = {}
    settings: dict[str, Any] = {}
    cite: dict[str, Text] = {}

    def inputs(self) -> dict[str, str | list[str]]:
        """Role -> the stage (or stages) named for it."""
        found = {"from": self.from_} | {role: getattr(self, role) for role in (*SINGLE_ROLES[1:], *LIST_ROLES)}
        return {role: named for role, named in found.items() if named}


class RecipeFile(BaseModel):
    """A recipe file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    paper: Paper | None = None
    use: str | None = None
    seeds: Annotated[list[Seed], AfterValidator(no_repetition)] = []
    stages: dict[str, Definition] = Field(min_length=1)
    claims: dict[Annotated[str, Field(pattern=r"^[a-z]\w{0,99}$")], Claim] = {}


@dataclass(frozen=True)
class Recipe:
    """A recipe with `like` filled in.

    stages: each seed and arm by its own name; written: each once, as the file has it.
    lineage: the names under which a scale may override each stage.
    changes: what a stage with `like` says otherwise than its model; no override of the model may undo it.
    axes, made: the seeds and arms of each stage as it is written, and what is made of it; of used recipes, too.
    claims: what the study is there to decide, by name.
    """

    name: str
    file: str
    paper: Paper | None
    used: "Recipe | None"
    stages: dict[str, Definition]
    written: dict[str, Definition]
    lineage: dict[str, tuple[str, ...]]
    changes: dict[str, dict[str, Any]]
    axes: dict[str, Axes]
    made: dict[str, list[Variant]]
    claims: dict[str, Claim]

    @property
    def variants(self) -> dict[str, Variant]:
        """By the name of each stage that the recipe makes or may name, bases apart."""
        return {variant.name: variant for found in self.made.values() for variant in found}


def load_recipe(path: str | Path, users: tuple[str, ...] = (), seeds: list[int] | None = None) -> Recipe:
    """A recipe file, checked: keys, scripts, settings, citations, order.

    users: the recipes that use it; seeds: what holds instead of its own, and of those that it uses.
    """
    path = Path(path)
    keys = {(): keys_of(RecipeFile), ("paper",): keys_of(Paper), ("stages", "*"): keys_of(Definition)} | claim_keys()
    file = checked(RecipeFile, read_yaml(path, "recipe"), path, keys)
    if file.use == path.stem:
        raise InputError(f"{path}: `use` names the recipe itself")
    if file.use in users:
        raise InputError(f"{path}: `use` names {file.use}, which uses this recipe")
    used = None
    if file.use is not None:
        try:
            used_file = recipe_file(file.use)
        except InputError as error:
            raise InputError(f"{path}: `use`: {error}") from None
        used = load_recipe(used_file, (*users, path.stem), seeds or file.seeds or None)
    definitions: dict[str, Definition] = dict(used.written) if used else {}
    lineages: dict[str, tuple[str, ...]] = dict(used.lineage) if used else {}
    own: dict[str, Definition] = {}
    changes = dict(used.changes) if used else {}
    changes |= {name: written.settings for name, written in file.stages.items() if written.like}
    for name, written in file.stages.items():
        where = f"{path}: stages.{name}"
        if not name.isidentifier() or len(name) > LONGEST_NAME:
            raise InputError(f"{where}: a stage's name is made of at most {LONGEST_NAME} letters, digits, underscores")
        # A scale may name a stage alone or, where recipes differ, as its rule: kimi_k15_evaluation.
        lineage: tuple[str, ...] = (name, f"{path.stem}_{name}")
        if written.like:
            if written.like not in definitions:
                raise InputError(f"{where}: `like` names `{written.like}`; {nearest(written.like, definitions)}")
            model = definitions[written.like]
            merged = {"settings": model.settings | written.settings, "cite": model.cite | written.cite}
            given = {key: getattr(written, key) for key in written.model_fields_set - {"like", "settings", "cite"}}
            written = model.model_copy(update=given | merged | {"like": None})
            lineage = tuple(dict.fromkeys((*lineages[file.stages[name].like], *lineage)))
        if written.script is None:
            raise InputError(f"{where}: `script` is missing; {nearest(f'{path.stem}.{name}', all_scripts())}")
        settings = settings_class(written.script, where)
        check_settings(settings, written.settings, f"{where}.settings", written.script)
        for field in written.cite:
            if field not in settings.model_fields:
                hint = nearest(field, settings.model_fields)
                raise InputError(f"{where}.cite: unknown setting `{field}` of {written.script}; {hint}")
        own[name] = definitions[name] = written
        lineages[name] = lineage
    spoken = {name: lineages[name] for name in own}
    axes, made = (dict(used.axes), dict(used.made)) if used else ({}, {})
    recipe = with_variants(
        Recipe(path.stem, str(path), file.paper, used, own, own, spoken, changes, axes, made, file.claims),
        file.seeds if seeds is None else seeds,
    )
    check_citations(recipe)
    return recipe


def with_variants(recipe: Recipe, seeds: list[int]) -> Recipe:
    """The recipe with a stage for each seed and arm in the place of each that it writes once."""
    made, axes = dict(recipe.made), dict(recipe.axes)
    stages: dict[str, Definition] = {}
    lineage, changes = dict(recipe.lineage), dict(recipe.changes)
    for name, written in recipe.written.items():
        where = f"{recipe.file}: stages.{name}"
        axes[name] = axes_of(written, axes, seeds, where)
        count = math.prod(map(len, axes[name].values()))
        if count > MOST_VARIANTS:
            raise InputError(f"{where}: seeds and arms make {count:,} stages of it, allowed: at most {MOST_VARIANTS:,}")
        found = variants(name, axes[name])
        for variant in found:
            roles: dict[str, Any] = {}
            for role, named in written.inputs().items():
                if isinstance(named, str):
                    roles[role] = matching(named, made, variant.labels)[0]
                else:
                    roles[role] = [parent for each in named for parent in matching(each, made, variant.labels)]
            if "from" in roles:
                roles["from_"] = roles.pop("from")
            if variant.name in stages or (variant.name != name and variant.name in recipe.written):
                raise InputError(f"{where}: an arm or seed of it is called `{variant.name}`, as is another stage")
            stages[variant.name] = written.model_copy(
                update=roles | {"settings": written.settings | variant.settings, "arms": {}}
            )
            # A scale may speak of one arm, of all its stages or of one: kimi_k15_objective_slow, rl_rest_slow.
            arms = [label for axis, label in variant.labels.items() if axis != "seed"]
            spoken = [f"{recipe.name}_{label}" for label in arms] + ["_".join([name, *arms])] * bool(arms)
            own = [variant.name] if variant.labels else []
            lineage[variant.name] = tuple(dict.fromkeys((*recipe.lineage[name], *spoken, *own)))
            if variant.labels:
                changes[variant.name] = changes.get(variant.name, {}) | variant.settings
        made[name] = found
    return replace(recipe, stages=stages, lineage=lineage, changes=changes, axes=axes, made=made)


def axes_of(written: Definition, known: dict[str, Axes], seeds: list[int], where: str) -> Axes:
    """The seeds and arms that a stage is made for: those of what it reads, its own arms, the recipe's seeds.

    known: the axes of the stages that it may name.
    """
    settings = settings_class(str(written.script), where)
    check_arms(written.arms, settings, where, str(written.script))
    if settings.collects:
        return {}
    own, inherited = written.arms | axes_of_seeds(seeds), Axes()
    for named in written.inputs().values():
        for parent in [named] if isinstance(named, str) else named:
            for axis, arms in known.get(parent, {}).items():
                if arms.keys() != inherited.get(axis, own.get(axis, arms)).keys():
                    other = (
                        "other seeds" if axis == "seed" else f"other arms of the axis `{axis}`: name one of them anew"
                    )
                    raise InputError(f"{where}: `{parent}` has {other}")
                # What a parent's arm changes is the parent's: here the arm is but a label.
                inherited[axis] = arms if axis == "seed" else dict.fromkeys(arms, {})
    return inherited | own


def check_arms(arms: Axes, settings: type[Settings], where: str, script: str) -> None:
    """Refuse axes and arms that make no stages, or whose settings are not the script's."""
    if arms and settings.collects:
        raise InputError(f"{where}: `arms` of {script}, which reads all arms and is made once")
    for axis, named in arms.items():
        if axis == "seed" or not named:
            raise InputError(f"{where}.arms.{axis}: an axis has another name than `seed`, and an arm at least")
        for arm, changed in named.items():
            if not re.fullmatch(rf"\w{{1,{LONGEST_NAME}}}", arm):
                raise InputError(
                    f"{where}.arms.{axis}: `{arm}`: an arm's name is made of letters, digits and underscores"
                )
            check_settings(settings, changed, f"{where}.arms.{axis}.{arm}", script)


def check_citations(recipe: Recipe) -> None:
    """Refuse a recipe that follows a paper and does not say of a number where it is from."""
    gaps = [gap for gap in citation_gaps(recipe) if not gap.endswith("is not of the paper")]
    if gaps:
        others = f" (and {len(gaps) - 1} others)" if gaps[1:] else ""
        raise InputError(
            f"{recipe.file}: stages.{gaps[0]}{others}; allowed in a recipe with `paper`: for each setting its section "
            "under `cite`, or `undisclosed` where the paper leaves the value to the scale"
        )


def citation_gaps(recipe: Recipe) -> list[str]:
    """What a recipe that follows a paper leaves uncited, or cites wrongly; a recipe without one may cite nothing."""
    gaps = []
    for name, stage in recipe.stages.items() if recipe.paper else ():
        settings = settings_class(str(stage.script), f"{recipe.file}: stages.{name}")
        for field in settings.model_fields.keys() - settings.run_fields:
            citation = stage.cite.get(field)
            if citation is None:
                gaps.append(f"{name}.{field}: no citation")
            elif (citation == "undisclosed") == (field in stage.settings):
                gaps.append(f"{name}.{field}: cited as {citation!r}, value {stage.settings.get(field)!r}")
        own = stage.settings.keys() - recipe.variants[name].labels.keys()  # of `seeds` is the seed
        gaps += [f"{name}.{field} is not of the paper" for field in (settings.run_fields - settings.measuring) & own]
    return gaps
