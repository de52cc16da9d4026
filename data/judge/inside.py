"""What both drivers inside of a sandbox stand on: their channel to the job's owner, and how they tell of errors."""

import json
import os
from typing import NoReturn

READ, WRITE = 3, 4
"""The descriptors of the channel, as data.sandbox.session has them."""
_SHOWN = 200


class Channel:
    """Messages from and to the owner of the job: JSON, one a line."""

    def __init__(self, read: int = READ, write: int = WRITE):
        self._from, self._to = os.fdopen(read, "rb"), write

    def receive(self) -> dict:
        """The next message; ends the process where the owner has gone."""
        line = self._from.readline()
        return json.loads(line) if line else os._exit(0)

    def send(self, message: dict) -> None:
        data = json.dumps(message).encode() + b"\n"
        while data:
            data = data[os.write(self._to, data) :]

    def stop(self, why: str) -> NoReturn:
        """Say that the job has failed, and end past whatever would catch an exception."""
        self.send({"failed": why[:_SHOWN]})
        os._exit(1)


def told(error: BaseException) -> str:
    """What an error says, on one line; its own __str__ may fail too."""
    try:
        said = " ".join(f"{type(error).__name__}: {error}".split())
    except BaseException:
        said = type(error).__name__
    return f"it raised {said[:_SHOWN].rstrip(': ')}"
