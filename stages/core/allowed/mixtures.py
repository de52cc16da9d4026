"""What a mixture may name: task families of the made-up world, public data sets, each where a stage can use it."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator

from data.errors import InputError
from data.public.sources import SOURCES, Kind, Source
from data.world.families import (
    GENERAL,
    HARDER,
    HELD_OUT,
    ONLY_ASKED,
    PUZZLES,
    REASONING,
    TASKS,
    TRANSFER,
    family,
)
from data.world.general.length_control import LENGTH_ASKED
from stages.core.allowed.sentences import disagree, nearest
from stages.core.allowed.values import NotNegative

Mixture = dict[str, NotNegative]
"""Task family or public data set (data/public/sources.py) -> weight; the weights need not sum to one."""

SAFETY = tuple(name for name, task in GENERAL.items() if task.domain == "safety")


def data_set(name: str) -> str:
    """The name of a public data set; ValueError for any other."""
    if name not in SOURCES:
        raise ValueError(f"no data set is called so; {nearest(name, SOURCES)}")
    return name


def evaluation_set(name: str) -> str:
    """The name of a public data set with a test split of its own; ValueError for any other."""
    if "test" not in dict(SOURCES[data_set(name)].splits):
        raise ValueError("it has no test split of its own, so nothing can be compared with it")
    return name


def must_be_refused(name: str) -> bool:
    """Whether the prompts of a mixture's name are of the safety set: a safe look-alike is to be answered."""
    domain = SOURCES[name].domain if name in SOURCES else TASKS[base_name(name)].domain
    return domain == "safety" and base_name(name) != "safe_lookalike"


DataSet = Annotated[str, AfterValidator(data_set)]
"""A public data set, by its name in data/public/sources.py."""
EvaluationSet = Annotated[str, AfterValidator(evaluation_set)]


def base_name(name: str) -> str:
    """The task family or data set of a mixture's name: `facts` of `facts@en`."""
    return name.partition("@")[0]


def known(name: str) -> str:
    """The name of a task family, perhaps in one language, or of a public data set; ValueError for any other."""
    if name not in SOURCES:
        try:
            family(name)
        except InputError:
            hint = nearest(base_name(name), [*TASKS, *SOURCES])
            hint = "one language is asked for by @en or @zh, where the family has it" if "@" in name else hint
            raise ValueError(f"no task family and no public data set is called `{name}`; {hint}") from None
    return name


Known = Annotated[str, AfterValidator(known)]
"""A task family or a public data set."""


def has_split(split: str, mixture: Mixture, fields: tuple[str, str]) -> None:
    """For a validator: sets that are for evaluation only have no validation split; fields: of split and mixture."""
    for name in mixture:
        if split == "validation" and name in SOURCES and "train" not in dict(SOURCES[name].splits):
            disagree(fields, f"`{fields[0]}` is 'validation', which `{name}` of `{fields[1]}` does not have")


@dataclass(frozen=True)
class Draws:
    """A check of a mixture; it leaves out what has no weight.

    families, sets: what may be named; purpose: what it must be, for the sentence; one_of: names of which one must have
    a weight, beside any data set; empty: whether it may name nothing at all.
    """

    purpose: str
    families: Collection[str]
    sets: Callable[[Source], bool]
    one_of: Collection[str] = ()
    empty: bool = False

    def __call__(self, mixture: dict[str, float]) -> dict[str, float]:
        for name in mixture:
            of_world = base_name(known(name))
            if of_world in HELD_OUT and of_world not in self.families:
                raise ValueError(f"`{name}` {ONLY_ASKED}")
            if of_world not in self.families and not (name in SOURCES and self.sets(SOURCES[name])):
                usable = [*self.families, *(name for name, source in SOURCES.items() if self.sets(source))]
                raise ValueError(f"`{name}` is none of {self.purpose}; {nearest(name, usable)}")
        weighed = {name: weight for name, weight in mixture.items() if weight}
        if mixture and not weighed:
            raise ValueError("one weight at least must be above 0")
        if not mixture and not self.empty:
            raise ValueError(f"it names nothing to draw from; allowed: {self.purpose}")
        if self.one_of and weighed and not any(base_name(n) in self.one_of or n in SOURCES for n in weighed):
            raise ValueError(f"one at least must be of {', '.join(sorted(self.one_of))}, or a public data set")
        return weighed


def _to_learn(source: Source) -> bool:
    return "train" in dict(source.splits)


def _to_train(*kinds: Kind) -> Callable[[Source], bool]:
    """Data sets to train on, of these kinds."""
    return lambda source: source.kind in kinds and _to_learn(source)


def _judged(source: Source) -> bool:
    return source.verifier not in ("none", "instructions")


def _judged_to_train(source: Source) -> bool:
    return _judged(source) and _to_learn(source)


def _tested_to_train(source: Source) -> bool:
    return source.verifier == "code_tests" and _to_learn(source)


def _general(source: Source) -> bool:
    return source.domain in ("general", "safety")


def _general_to_train(source: Source) -> bool:
    return _to_learn(source) and (_general(source) or source.kind == "demonstrations")


def _instructed(source: Source) -> bool:
    return source.verifier == "instructions"


def _all(source: Source) -> bool:
    return True


def _none(source: Source) -> bool:
    return False


_VERIFIED, _WRITTEN = (*REASONING, *PUZZLES), (*REASONING, *GENERAL)
_CORPUS, _RESPONSES = "what the corpus is written from", "general prompts with a response"
_TEXTS = _to_train("prompts", "demonstrations")

Anything = Annotated[Mixture, AfterValidator(Draws("families and data sets", (*TASKS, *HELD_OUT), _all, empty=True))]
Corpus = Annotated[Mixture, AfterValidator(Draws(_CORPUS, _WRITTEN, _none))]
CorpusOrNone = Annotated[Mixture, AfterValidator(Draws(_CORPUS, _WRITTEN, _none, empty=True))]

Prompts = Annotated[Mixture, AfterValidator(Draws("prompts with a verifier", TASKS, _judged_to_train, _VERIFIED))]
"""Reasoning prompts to train on; general ones may be among them."""
GeneralPrompts = Annotated[Mixture, AfterValidator(Draws("general prompts", GENERAL, _general_to_train, empty=True))]
Responses = Annotated[Mixture, AfterValidator(Draws(_RESPONSES, GENERAL, _to_train("demonstrations"), empty=True))]
Demonstrations = Annotated[
    Mixture, AfterValidator(Draws("data sets with responses", (), _to_train("demonstrations"), empty=True))
]
ShortAnswers = Annotated[Mixture, AfterValidator(Draws("what has worked solutions", REASONING, _TEXTS))]
CodePrompts = Annotated[Mixture, AfterValidator(Draws("code problems", ("expression",), _tested_to_train))]

Preferences = Annotated[Mixture, AfterValidator(Draws("prompts with preferences", GENERAL, _to_train("preferences")))]
SafetyLabels = Annotated[
    Mixture, AfterValidator(Draws("prompts with labelled responses", GENERAL, _to_train("safety"), ("unsafe",)))
]
References = Annotated[Mixture, AfterValidator(Draws("prompts with a reference answer", GENERAL, _TEXTS))]

_ASKED = "questions with a verifier"
Questions = Annotated[Mixture, AfterValidator(Draws(_ASKED, TASKS, _judged, _VERIFIED))]
"""Reasoning questions to be asked in an evaluation."""
HarderQuestions = Annotated[Mixture, AfterValidator(Draws("families harder than any training data", HARDER, _none))]
UntrainedQuestions = Annotated[Mixture, AfterValidator(Draws("families that nothing is trained on", TRANSFER, _none))]
QuestionsOrNone = Annotated[Mixture, AfterValidator(Draws(_ASKED, TASKS, _judged, _VERIFIED, empty=True))]
GeneralQuestions = Annotated[Mixture, AfterValidator(Draws("general prompts", GENERAL, _general, empty=True))]
InstructionQuestions = Annotated[
    Mixture, AfterValidator(Draws("prompts with instructions to check", GENERAL, _instructed, empty=True))
]
LengthQuestions = Annotated[Mixture, AfterValidator(Draws("prompts that ask for a length", LENGTH_ASKED, _none))]
SafetyQuestions = Annotated[
    Mixture, AfterValidator(Draws("safety prompts", SAFETY, lambda s: s.kind == "safety", empty=True))
]
