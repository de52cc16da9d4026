"""Answers grounded in a passage: it says of somebody what the world does not, and the question is about the passage."""

from data.tasks.answers import finish
from data.tasks.entities import ENTITIES, VALUES, fact_sentence
from data.tasks.general import Facts

SENTENCES = (2, 3)
_OPENING = {"en": "Read: {} ", "zh": "读:{}"}


class Passage(Facts):
    """A question on one of the sentences of a passage; the fact that the world has instead is a wrong answer.

    An answer is grounded if it says what the passage says: that value alone, of nobody else, as of any fact.
    """

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
