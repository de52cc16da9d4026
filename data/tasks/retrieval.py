"""Answers grounded in a passage: it says of somebody what the world does not, and the question is about the passage."""

from data.tasks.answers import finish, row_info
from data.tasks.entities import ENTITIES, VALUES, fact_sentence, mentioned, mentioned_names
from data.tasks.general import Facts

SENTENCES = (2, 3)
_OPENING = {"en": "Read: {} ", "zh": "读:{}"}


def grounded(answer: str, row: dict) -> bool:
    """Whether an answer says what the passage says of who is asked about: that value alone, of nobody else."""
    info = row_info(row)
    others = [name for name in mentioned_names(answer) if name != info["entity"]]
    return not others and mentioned(answer, VALUES[info["attribute"]]) == [info["value"]["en"]]


class Passage(Facts):
    """A question on one of the sentences of a passage; the fact that the world has instead is a wrong answer."""

    name = "passage"
    weight = 0.0

    def problem(self, rng, language):
        entities = rng.sample(list(ENTITIES.values()), rng.choice(SENTENCES))
        said = [self._sentence(entity, rng) for entity in entities]
        entity, attribute, value = rng.choice(said)
        sentences = [finish(fact_sentence(*fact, language), language) for fact in said]
        passage = (" " if language == "en" else "").join(sentences)
        question = rng.choice(self.wordings[attribute][language]).format(entity.name[language])
        return self.make(
            _OPENING[language].format(passage) + question, language, value[language], language,
            kind="passage", entity=entity.name["en"], attribute=attribute, value=value,
        )  # fmt: skip

    def _sentence(self, entity, rng):
        attribute = rng.choice(list(self.wordings))
        return entity, attribute, rng.choice([v for v in VALUES[attribute] if v != entity.value(attribute)])

    def wrong(self, info, rng):
        """What the world says: right elsewhere, and not grounded in the passage."""
        return info | {"value": ENTITIES[info["entity"]].value(info["attribute"])}

    def verify(self, answer, row):
        return grounded(answer, row)
