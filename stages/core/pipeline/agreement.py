"""Whether a stage's settings, its inputs and the system fit: checked when a run is planned. Imports no torch."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from data.errors import InputError
from data.public.sources import SOURCES
from stages.core.allowed.mixtures import Mixture
from stages.core.allowed.sentences import Misfit, nearest, shown
from stages.core.pipeline.layers import Written, last_place
from stages.core.pipeline.scale import Scale
from stages.core.pipeline.settings import GRPO, DrawnGRPO, Rollouts, Settings, trains_in_several
from stages.core.pipeline.system import PublicData, System, in_shards
from stages.core.pipeline.variants import Variant

Inputs = Mapping[str, Sequence[str]]
"""Role -> the stages that are named for it."""


class Parent(NamedTuple):
    """A stage that another one may read: its class, and the prompts that it writes at most, where its settings say."""

    settings: type[Settings]
    most_rows: int | None


def check_stage(
    written: Written,
    script: str,
    inputs: Inputs,
    known: Mapping[str, Parent],
    contexts: Iterable[int],
    scale: Scale,
    where: str,
) -> None:
    """InputError where a stage's inputs, settings, models and system do not fit.

    known: every stage that it may name; contexts: tokens that the models behind its inputs can read; where: the stage's
    place in its recipe, which the sentence names where nothing wrote the setting later.
    """
    settings = written.settings
    try:
        check_roles(script, type(settings), inputs, {name: parent.settings for name, parent in known.items()})
        check_settings_together(settings, inputs, scale.system, scale.public_data)
        check_rows(settings, {name: known[name].most_rows for name in inputs.get("data", ())})
        for context in contexts:
            check_lengths(settings, context)
    except Misfit as error:
        place = last_place(written.places, written.order, error.fields)
        stage = where.rpartition(".")[2]
        raise InputError(f"{place}: {stage} ({script}): {error}" if place else f"{where}: {error}") from None
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def check_seed(written: Written, variant: Variant, where: str) -> None:
    """InputError where something over the recipe gives a stage another seed than `seeds` does."""
    seed = written.settings.seed
    if variant.seed not in (None, seed):
        place = written.places.get("seed", where)
        raise InputError(f"{place}: `seed` is {seed}, allowed: {variant.seed}, as `seeds` has it, or nothing")


def check_roles(script: str, settings: type[Settings], inputs: Inputs, known: Mapping[str, type[Settings]]) -> None:
    """InputError where a stage lacks an input, has one that it does not read, or one that it cannot read.

    known: every stage that it may name, with its class.
    """
    for role in inputs.keys() - settings.reads.keys():
        raise InputError(f"{role}: {script} has no such input; {nearest(role, settings.reads)}")
    for role, needed in settings.reads.items():
        usable = [name for name, made in known.items() if needed in made.makes]
        if role not in inputs:
            if role not in settings.optional:
                raise InputError(f"{role}: missing: {script} reads {needed} there; {nearest(role, usable)}")
            continue
        for name in inputs[role]:
            if needed not in known[name].makes:
                made = ", ".join(sorted(known[name].makes)) or "nothing that a stage reads"
                raise InputError(f"{role}: `{name}` makes {made}, where {needed} is needed; {nearest(name, usable)}")
        for name in settings.names.get(role, ()):
            if name not in inputs[role]:
                listed = ", ".join(inputs[role])
                raise InputError(
                    f"{role}: found {listed}, where {script} asks for {' and '.join(settings.names[role])}"
                )


def check_settings_together(settings: Settings, inputs: Inputs, system: System, public_data: PublicData) -> None:
    """InputError where settings do not fit the inputs' names, the processes, or the licences that are allowed."""
    settings.check_inputs(inputs)
    processes = system.processes if trains_in_several(type(settings), system.model_dump()) else 1
    for fields, update, micro in settings.batches():
        each = min(update // processes, micro)
        if not each or update % (each * processes):
            raise Misfit(
                ("micro_batch_size", *fields),
                f"`micro_batch_size` is {micro}, allowed: one that the {update} sequences of an update "
                f"({', '.join(fields)}) are a multiple of, in {processes} process{'es' if processes > 1 else ''}",
            )
    prompts = getattr(settings, "prompts_per_iteration", processes)
    if prompts % processes:
        raise Misfit(
            ("prompts_per_iteration",),
            f"`prompts_per_iteration` is {prompts}, allowed: a multiple of the {processes} processes",
        )
    deepspeed = processes > 1 and in_shards(system.accelerate) == "DEEPSPEED"
    if deepspeed and isinstance(settings, GRPO) and settings.kl_coefficient:
        raise Misfit(
            ("kl_coefficient",),
            f"`kl_coefficient` is {settings.kl_coefficient}, allowed with accelerate {system.accelerate!r}, which "
            "cannot save the reference model: 0",
        )
    sharded = processes > 1 and in_shards(system.accelerate)
    if sharded and isinstance(settings, Rollouts) and settings.held_out_every and settings.held_out_kl:
        raise Misfit(
            ("held_out_kl",),
            f"`held_out_kl` is true, allowed with accelerate {system.accelerate!r}, which cuts weights into shards: "
            "false",
        )
    spanned = system.vllm.tensor_parallel_size if system.engine == "vllm" and system.vllm.mode == "colocate" else 1
    if isinstance(settings, Rollouts) and processes % spanned:
        raise InputError(
            f"system.vllm: `tensor_parallel_size` is {spanned}, allowed: a divisor of the {processes} processes"
        )
    if public_data.commercial_only:
        _check_licences(settings)


def _check_licences(settings: Settings) -> None:
    for field, described in type(settings).model_fields.items():
        named = getattr(settings, field) if described.annotation == Mixture else {}
        sets = [name for name in named if name in SOURCES]
        if sets and not any(SOURCES[name].commercial_ok for name in sets):
            raise Misfit(
                (field,),
                f"`{field}` names {', '.join(sets)}, none of which is for commercial use; allowed: with `public_data: "
                "{commercial_only: false}`",
            )


def check_lengths(settings: Settings, context: int) -> None:
    """InputError where a completion may have more tokens than the model can read; RL leaves room for a prompt."""
    most = context - 1 if "policy" in settings.makes else context
    for field, length in settings.lengths().items():
        if length > most:
            sentence = f"`{field}` is {length}, allowed: at most {most}, in a context of {context} tokens"
            raise Misfit((field.partition(".")[0],), sentence)


def check_layers(targets: str | Sequence[str], base: str, layers: frozenset[str]) -> None:
    """InputError where an adapter is to be put on layers that the base does not have."""
    for target in [] if isinstance(targets, str) else targets:
        if target.rpartition(".")[2] not in layers:
            found = shown(target)
            raise InputError(f"system.lora: `target_modules` names {found}; `{base}` has {', '.join(sorted(layers))}")


def check_rows(settings: Settings, data: Mapping[str, int | None]) -> None:
    """InputError where a table has fewer prompts than one rollout takes; data: stage -> rows that it makes at most."""
    needed = settings.rollout_prompts if isinstance(settings, GRPO) else getattr(settings, "prompts_per_iteration", 0)
    for name, most in data.items():
        if most is not None and most < needed and not isinstance(settings, DrawnGRPO):
            raise InputError(f"data: `{name}` makes {most} prompts at most, where one rollout takes {needed}")
