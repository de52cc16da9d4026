"""A recipe file: what a paper did, stage by stage, every number with its source. Imports no torch."""

import math
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from data.errors import InputError
from stages.core.allowed.sentences import nearest
from stages.core.allowed.values import Seed, Text, no_repetition
from stages.core.pipeline.schema import check_settings, checked, keys_of, read_yaml, recipe_file, settings_class
from stages.core.pipeline.scripts import all_scripts
from stages.core.pipeline.settings import Settings
from stages.core.pipeline.variants import Axes, Variant, axes_of_seeds, matching, variants

SINGLE_ROLES = ("from", "data", "sampler", "teacher")
LIST_ROLES = ("reward_models", "checkpoints")
MOST_VARIANTS = 1000


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


@dataclass(frozen=True)
class Recipe:
    """A recipe with `like` filled in.

    lineage: the names under which a scale may override each stage.
    changes: what a stage with `like` says otherwise than its model; no override of the model may undo it.
    labels: seed and arms of each stage that is made several times.
    """

    name: str
    file: str
    paper: Paper | None
    used: "Recipe | None"
    stages: dict[str, Definition]
    lineage: dict[str, tuple[str, ...]]
    changes: dict[str, dict[str, Any]]
    labels: dict[str, dict[str, str]]


def load_recipe(path: str | Path, users: tuple[str, ...] = ()) -> Recipe:
    """A recipe file, checked: keys, scripts, settings, citations, order; users: the recipes that use it."""
    path = Path(path)
    keys = {(): keys_of(RecipeFile), ("paper",): keys_of(Paper), ("stages", "*"): keys_of(Definition)}
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
        used = load_recipe(used_file, (*users, path.stem))
    definitions: dict[str, Definition] = dict(used.stages) if used else {}
    lineages: dict[str, tuple[str, ...]] = dict(used.lineage) if used else {}
    own: dict[str, Definition] = {}
    changes = dict(used.changes) if used else {}
    changes |= {name: written.settings for name, written in file.stages.items() if written.like}
    for name, written in file.stages.items():
        where = f"{path}: stages.{name}"
        if not name.isidentifier():
            raise InputError(f"{where}: a stage's name is made of letters, digits and underscores")
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
    recipe = with_variants(
        Recipe(path.stem, str(path), file.paper, used, own, {name: lineages[name] for name in own}, changes, {}),
        file.seeds,
    )
    check_citations(recipe)
    return recipe


def with_variants(recipe: Recipe, seeds: list[int]) -> Recipe:
    """The recipe with a stage for each seed and arm in the place of each that it writes once."""
    made: dict[str, list[Variant]] = {}
    axes: dict[str, Axes] = {}
    stages: dict[str, Definition] = {}
    lineage, changes, labels = {}, dict(recipe.changes), {}
    for name, written in recipe.stages.items():
        where = f"{recipe.file}: stages.{name}"
        settings = settings_class(str(written.script), where)
        check_arms(written.arms, settings, where, str(written.script))
        axes[name] = {}
        if not settings.collects:
            for named in written.inputs().values():
                for parent in [named] if isinstance(named, str) else named:
                    # What a parent's arm changes is the parent's: here the arm is but a label.
                    inherited: Axes = {
                        axis: dict.fromkeys(arms, {}) if axis != "seed" else arms
                        for axis, arms in axes.get(parent, {}).items()
                    }
                    for axis in inherited.keys() & (axes[name] | written.arms).keys():
                        if inherited[axis].keys() != (axes[name] | written.arms)[axis].keys():
                            raise InputError(
                                f"{where}: `{parent}` has other arms of the axis `{axis}`: name one of them anew"
                            )
                    axes[name] |= inherited
            axes[name] |= written.arms | axes_of_seeds(seeds)
        count = math.prod(map(len, axes[name].values()))
        if count > MOST_VARIANTS:
            raise InputError(f"{where}: seeds and arms make {count:,} stages of it, allowed: at most {MOST_VARIANTS:,}")
        made[name] = variants(name, axes[name])
        for variant in made[name]:
            roles: dict[str, Any] = {}
            for role, named in written.inputs().items():
                if isinstance(named, str):
                    roles[role] = matching(named, made, variant.labels)[0]
                else:
                    roles[role] = [found for each in named for found in matching(each, made, variant.labels)]
            if "from" in roles:
                roles["from_"] = roles.pop("from")
            if variant.name in stages or (variant.labels and variant.name in recipe.stages):
                raise InputError(f"{where}: an arm or seed of it is called `{variant.name}`, as is another stage")
            stages[variant.name] = written.model_copy(
                update=roles | {"settings": written.settings | variant.settings, "arms": {}}
            )
            # A scale may speak of one arm: kimi_k15_objective_slow.
            spoken = [f"{recipe.name}_{label}" for axis, label in variant.labels.items() if axis != "seed"]
            own = [variant.name] if variant.labels else []
            lineage[variant.name] = tuple(dict.fromkeys((*recipe.lineage[name], *spoken, *own)))
            if variant.labels:
                labels[variant.name] = variant.labels
                changes[variant.name] = variant.settings
    return replace(recipe, stages=stages, lineage=lineage, changes=changes, labels=labels)


def check_arms(arms: Axes, settings: type[Settings], where: str, script: str) -> None:
    """Refuse axes and arms that make no stages, or whose settings are not the script's."""
    if arms and settings.collects:
        raise InputError(f"{where}: `arms` of {script}, which reads all arms and is made once")
    for axis, named in arms.items():
        if axis == "seed" or not named:
            raise InputError(f"{where}.arms.{axis}: an axis has another name than `seed`, and an arm at least")
        for arm, changed in named.items():
            if not re.fullmatch(r"\w+", arm):
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
        own = stage.settings.keys() - recipe.labels.get(name, {}).keys()  # of `seeds` is the seed
        gaps += [f"{name}.{field} is not of the paper" for field in settings.run_fields & own]
    return gaps
