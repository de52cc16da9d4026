"""Partial rollouts: what an iteration's token budget cuts off is kept and continued in the next (Kimi k1.5 s.2.6)."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from data.text.row import Row
from stages.core.run.manifest import write_atomically

Reason = Literal["stop", "length", "repeat"]


@dataclass
class Rollout:
    """One response, written over one or more iterations. ids and logps: one each token."""

    ids: list[int] = field(default_factory=list)
    logps: list[float] = field(default_factory=list)
    segments: list[int] = field(default_factory=list)
    """Where in `ids` the segment of each iteration begins."""
    done: bool = False
    reason: Reason | None = None
    """Why it ended; None as long as it is to be continued."""

    def extend(self, ids: list[int], logps: list[float], reason: Reason | None) -> None:
        """Append this iteration's segment; a reason ends the rollout."""
        if self.done:
            raise ValueError("a finished rollout cannot go on")
        if len(ids) != len(logps):
            raise ValueError(f"a segment has {len(ids)} tokens but {len(logps)} log-probs")
        self.segments.append(len(self.ids))
        self.ids += ids
        self.logps += logps
        self.done, self.reason = reason is not None, reason


@dataclass
class Group:
    """The rollouts of one prompt. row: its data set row; index: its place among the prompts."""

    row: Row
    rollouts: list[Rollout]
    index: int

    @property
    def complete(self) -> bool:
        return all(rollout.done for rollout in self.rollouts)


class RolloutBuffer:
    """Groups between iterations, first in, first out. A pending group stays in while its rollouts are continued."""

    def __init__(self) -> None:
        self.groups: list[Group] = []
        self.added = self.taken = 0
        """How many groups ever came in and went out: added = taken + held."""

    @property
    def held(self) -> int:
        return len(self.groups)

    def add(self, groups: list[Group]) -> None:
        """Put new groups in, complete or not."""
        self.groups += groups
        self.added += len(groups)

    def pending(self) -> list[Group]:
        """The groups with a rollout to continue, oldest first; extend their rollouts in place."""
        return [group for group in self.groups if not group.complete]

    def take_complete(self, n: int) -> list[Group]:
        """Remove and return the n oldest complete groups, fewer if there are fewer."""
        places = [place for place, group in enumerate(self.groups) if group.complete][:n]
        taken = [self.groups[place] for place in places]
        for place in reversed(places):
            del self.groups[place]
        self.taken += len(taken)
        return taken

    def save(self, path: str | Path) -> None:
        """Write the buffer as JSON; whatever happens, the file is the old one or the new one."""
        content = {"added": self.added, "taken": self.taken, "groups": [asdict(group) for group in self.groups]}
        write_atomically(Path(path), json.dumps(content, ensure_ascii=False))

    @classmethod
    def load(cls, path: str | Path) -> "RolloutBuffer":
        """The buffer that `save` wrote."""
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        buffer = cls()
        buffer.added, buffer.taken = content["added"], content["taken"]
        for group in content["groups"]:
            rollouts = [Rollout(**rollout) for rollout in group["rollouts"]]
            buffer.groups.append(Group(group["row"], rollouts, group["index"]))
        return buffer


def segment_mask(rollout: Rollout, keep_earlier: bool) -> list[int]:
    """1 for each token that is in the loss: those of the last segment, or all of them with keep_earlier (s.2.6)."""
    first = 0 if keep_earlier or not rollout.segments else rollout.segments[-1]
    return [int(place >= first) for place in range(len(rollout.ids))]
