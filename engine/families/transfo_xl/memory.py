"""The recurrence: what a segment leaves behind for the next one (Dai et al. 2019, section 3.2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch

from engine.families.transfo_xl.attention import Past

# From this memory length on the keys and values are kept. A shorter one is projected again, which costs little, and
# then a step multiplies the same matrices, and so rounds, as the model always did.
KEPT_FROM = 128


class Memory(list[torch.Tensor]):
    """A tensor (mem_len, batch, d_model) a layer: the last inputs that the layer saw, oldest first.

    Beside them lie the keys and values that the layer made of those rows. They spare a step the work of making them
    again, for all of the memory, and change nothing: a plain list of the same tensors serves as well.
    """

    def __init__(self, rows: Iterable[torch.Tensor] = (), heads: Sequence[tuple[torch.Tensor, torch.Tensor]] = ()):
        super().__init__(rows)
        self.heads = list(heads)

    def select(self, chosen: torch.Tensor) -> Memory:
        """The memory of a batch whose row i was row `chosen[i]`."""
        at = {tensor.device: chosen.to(tensor.device) for tensor in self}
        rows = [rows.index_select(1, at[rows.device]) for rows in self]
        heads = [
            (keys.index_select(0, at[keys.device]), values.index_select(0, at[values.device]))
            for keys, values in self.heads
        ]
        return Memory(rows, heads)


def layer_past(memory: Sequence[torch.Tensor] | None, layer: int) -> Past | None:
    """What one layer gets to see of the memory, on the layout of the attention."""
    if memory is None or not memory[layer].shape[0]:
        return None
    rows = memory[layer].transpose(0, 1)
    if isinstance(memory, Memory) and memory.heads:
        return Past(rows, *memory.heads[layer])
    return Past(rows)


def last_rows(before: torch.Tensor | None, new: torch.Tensor, length: int) -> torch.Tensor:
    """The last `length` rows of a memory (m, batch, d_model) followed by new hidden states (batch, n, d_model).

    Nothing flows back through a memory.
    """
    new = new.detach()[:, -length:].transpose(0, 1)
    kept = length - new.shape[0]
    if before is None or kept == 0:
        return new.contiguous()
    return torch.cat([before.detach()[-kept:], new])


def last_heads(tensor: torch.Tensor, length: int) -> torch.Tensor:
    """The last `length` keys or values of (batch, heads, m + n, d_head), alone in their storage."""
    tensor = tensor.detach()
    return tensor if tensor.shape[2] <= length else tensor[:, :, -length:].contiguous()
