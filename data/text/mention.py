"""Whether an answer stands in a text."""


def stated(answer: str, text: str) -> bool:
    """Whether an answer stands in a text as it is written, and not as a part of a longer number or word.

    So 2+7 does not stand in 12+7, nor A in Ann, but in A6 it does. An empty answer stands nowhere.
    """
    answer = answer.strip()
    place = text.find(answer) if answer else -1
    while place >= 0:
        end = place + len(answer)
        if not _one(text[max(0, place - 1) : place], answer[0]) and not _one(answer[-1], text[end : end + 1]):
            return True
        place = text.find(answer, place + 1)
    return False


def _one(left: str, right: str) -> bool:
    """Whether two neighbours are of one number, or of one word of Latin letters; nothing has no neighbour."""
    letters = all(character.isascii() and character.isalpha() for character in (left, right))
    return letters or (left.isdigit() and right.isdigit())
