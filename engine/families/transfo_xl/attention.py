"""Attention with relative positions: Dai et al. 2019, "Transformer-XL", section 3.3.

The score of a query at i and a key at j is

    (q_i + u) · k_j  +  (q_i + v) · W_r R_(i-j),        divided by the root of a head's width,

with u and v learnt (`r_w_bias`, `r_r_bias`), W_r the `r_net`, and R the sinusoids of a distance.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn

from engine.families.transfo_xl.configuration import TransfoXLConfig


class Past(NamedTuple):
    """What a layer sees beside its input, in the layout of the attention.

    `rows` (batch, m, d_model) are the hidden states remembered. `keys` and `values` (batch, heads, m, d_head) are what
    the layer made of the same rows before; where they are absent it makes them anew.
    """

    rows: torch.Tensor
    keys: torch.Tensor | None = None
    values: torch.Tensor | None = None


class Attended(NamedTuple):
    """(batch, n, d_model), the keys and values of memory and input, and the weights (batch, heads, n, m + n)."""

    output: torch.Tensor
    keys: torch.Tensor
    values: torch.Tensor
    weights: torch.Tensor


class RelativeAttention(nn.Module):
    """Multi-head attention over the memory and the input, with its residual and layer norm."""

    def __init__(self, config: TransfoXLConfig) -> None:
        super().__init__()
        self.heads, self.width = config.n_head, config.d_head
        self.pre_lnorm = config.pre_lnorm
        self.scale = config.d_head**-0.5
        across = config.n_head * config.d_head
        self.qkv_net = nn.Linear(config.d_model, 3 * across, bias=False)
        self.r_net = nn.Linear(config.d_model, across, bias=False)
        self.o_net = nn.Linear(across, config.d_model, bias=False)
        self.r_w_bias = nn.Parameter(torch.zeros(config.n_head, config.d_head))
        self.r_r_bias = nn.Parameter(torch.zeros(config.n_head, config.d_head))
        self.layer_norm = nn.LayerNorm(config.d_model, eps=config.layer_norm_epsilon)
        self.drop = nn.Dropout(config.dropout)
        self.dropatt = nn.Dropout(config.dropatt)

    def forward(
        self, hidden: torch.Tensor, past: Past | None, distances: torch.Tensor, visible: torch.Tensor
    ) -> Attended:
        """`hidden` (batch, n, d_model), `distances` (m + n, d_model) from far to near, `visible` (n, m + n)."""
        query, keys, values = self._projected(hidden, past)
        relative = self.r_net(distances).view(-1, self.heads, self.width).permute(1, 2, 0)  # (heads, width, m + n)
        by_content = (query + self.r_w_bias[:, None]) @ keys.transpose(-1, -2)
        by_distance = shifted((query + self.r_r_bias[:, None]) @ relative)
        scores = ((by_content + by_distance) * self.scale).masked_fill(~visible, -torch.inf)
        weights = self.dropatt(scores.softmax(dim=-1, dtype=_exact(scores.dtype)).to(scores.dtype))
        mixed = (weights @ values).transpose(1, 2).flatten(2)
        output = hidden + self.drop(self.o_net(mixed))
        return Attended(output if self.pre_lnorm else self.layer_norm(output), keys, values, weights)

    def _projected(self, hidden: torch.Tensor, past: Past | None) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Queries of the input alone; keys and values of the memory and the input."""
        known = past is not None and past.keys is not None and past.values is not None
        rows = hidden if past is None or known else torch.cat([past.rows, hidden], dim=1)
        if self.pre_lnorm:
            rows = self.layer_norm(rows)
        split = self.qkv_net(rows).unflatten(-1, (3, self.heads, self.width)).permute(2, 0, 3, 1, 4)
        query, keys, values = split[0][:, :, -hidden.shape[1] :], split[1], split[2]
        if past is not None and past.keys is not None and past.values is not None:
            keys, values = torch.cat([past.keys, keys], dim=2), torch.cat([past.values, values], dim=2)
        return query, keys, values


def shifted(scores: torch.Tensor) -> torch.Tensor:
    """From scores (.., n, k) by distance, far to near, to scores by key: each row moves left by what it lies above.

    Appendix B of the paper: with one column in front, reading the same numbers at a width less by one does it. What
    comes out to the right of a query's own place is nobody's, and masked.
    """
    n, k = scores.shape[-2:]
    if n == 1:
        return scores
    wider = nn.functional.pad(scores, (1, 0)).flatten(-2)
    return wider[..., n:].unflatten(-1, (n, k))


def visible(n: int, m: int, window: int | None, device: torch.device) -> torch.Tensor:
    """(n, m + n): which of m remembered and n new keys a query may see: itself, and what lies up to `window` back."""
    distance = torch.arange(m, m + n, device=device)[:, None] - torch.arange(m + n, device=device)
    seen = distance >= 0
    return seen if window is None else seen & (distance < window)


def _exact(dtype: torch.dtype) -> torch.dtype:
    """The type in which probabilities are computed: at least float32."""
    return torch.promote_types(dtype, torch.float32)
