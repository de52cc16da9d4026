"""A key-value cache with room to grow: tokens are written into it, where the library's is copied for each of them."""

import sys

import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

ROOM = 32
"""Columns that a new buffer has free at least; else as many as are filled, so all growing copies a column but once.

None beyond the longest sequence that may come: it takes no more memory than a full batch of them.
"""


def roomy_cache(config, longest: int = sys.maxsize) -> DynamicCache:
    """The cache of a model for `longest` columns; layers of full attention have room, others are the library's."""
    cache = DynamicCache(config=config)
    cache.layers = [RoomyLayer(longest) if type(layer) is DynamicLayer else layer for layer in cache.layers]
    return cache


class RoomyLayer(DynamicLayer):
    """`keys` and `values`, (B, key-value heads, T, D), are views of buffers.

    longest: the columns that there is room for at most, unless more come.
    """

    def __init__(self, longest: int = sys.maxsize) -> None:
        super().__init__()
        self.longest = longest

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        super().lazy_initialization(key_states, value_states)
        self.buffers = tuple(Buffer(states[:, :, :0], self.longest) for states in (key_states, value_states))

    def update(self, key_states: torch.Tensor, value_states: torch.Tensor, *args, **kwargs):
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        for buffer, new in zip(self.buffers, (key_states, value_states), strict=True):
            buffer.append(new)
        return self._show()

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        if self.is_initialized:
            for buffer in self.buffers:
                buffer.select(indices)
            self._show()

    def _show(self) -> tuple[torch.Tensor, torch.Tensor]:
        self.keys, self.values = (buffer.held for buffer in self.buffers)
        return self.keys, self.values


class Buffer:
    """(B, H, T, D) that grows along T; `held` is what it holds."""

    def __init__(self, held: torch.Tensor, longest: int) -> None:
        self.longest = longest
        self._hold(held)

    def _hold(self, held: torch.Tensor) -> None:
        batch, heads, filled, width = held.shape
        room = max(filled, min(filled + max(filled, ROOM), self.longest))
        self.space = held.new_empty((batch, heads, room, width))
        self.held = self.space[:, :, :filled]
        self.held.copy_(held)

    def append(self, new: torch.Tensor) -> None:
        """Write (B, H, N, D) behind what is held."""
        filled, end = self.held.shape[2], self.held.shape[2] + new.shape[2]
        if end > self.space.shape[2]:
            self._hold(torch.cat([self.held, new], dim=2))
            return
        self.space[:, :, filled:end] = new
        self.held = self.space[:, :, :end]

    def select(self, rows: torch.Tensor) -> None:
        """Hold these rows, in this order; where they are not more than before, only those that change place move."""
        if len(rows) > len(self.space):
            self._hold(self.held[rows])
            return
        moved = (rows != torch.arange(len(rows), device=rows.device)).nonzero()[:, 0]
        self.held[moved] = self.held[rows[moved]]
        self.space, self.held = self.space[: len(rows)], self.held[: len(rows)]
