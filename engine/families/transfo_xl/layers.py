"""One layer of the decoder, and the sinusoids that tell distances."""

from __future__ import annotations

import torch
from torch import nn

from engine.families.transfo_xl.attention import Attended, Past, RelativeAttention
from engine.families.transfo_xl.configuration import TransfoXLConfig


class FeedForward(nn.Module):
    """Position by position, with its residual and layer norm. The names are those of the checkpoints."""

    def __init__(self, config: TransfoXLConfig) -> None:
        super().__init__()
        self.pre_lnorm = config.pre_lnorm
        self.CoreNet = nn.Sequential(
            nn.Linear(config.d_model, config.d_inner),
            nn.ReLU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.d_inner, config.d_model),
            nn.Dropout(config.dropout),
        )
        self.layer_norm = nn.LayerNorm(config.d_model, eps=config.layer_norm_epsilon)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        if self.pre_lnorm:
            return hidden + self.CoreNet(self.layer_norm(hidden))
        return self.layer_norm(hidden + self.CoreNet(hidden))


class DecoderLayer(nn.Module):
    """Attention over memory and input, then the feed-forward net; (batch, n, d_model) to the same."""

    def __init__(self, config: TransfoXLConfig) -> None:
        super().__init__()
        self.dec_attn = RelativeAttention(config)
        self.pos_ff = FeedForward(config)

    def forward(
        self, hidden: torch.Tensor, past: Past | None, distances: torch.Tensor, visible: torch.Tensor
    ) -> Attended:
        attended = self.dec_attn(hidden, past, distances, visible)
        return Attended(self.pos_ff(attended.output), attended.keys, attended.values, attended.weights)


def sinusoids(length: int, config: TransfoXLConfig, device: torch.device, dtype: torch.dtype) -> torch.Tensor:
    """(length, d_model): the distances length - 1 .. 0, each as sines and then cosines, clamped at `clamp_len`.

    Computed in float32 at least: half precision cannot tell distances of some hundreds apart.
    """
    exact = torch.promote_types(dtype, torch.float32)
    distances = torch.arange(length - 1, -1, -1, device=device, dtype=exact)
    if config.clamp_len > 0:
        distances = distances.clamp(max=config.clamp_len)
    exponents = torch.arange(0, config.d_model, 2, device=device, dtype=exact) / config.d_model
    angles = distances[:, None] * (1 / 10000**exponents)
    return torch.cat([angles.sin(), angles.cos()], dim=-1).to(dtype)
