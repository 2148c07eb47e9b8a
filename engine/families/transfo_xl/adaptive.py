"""The adaptive embedding and the adaptive softmax.

Grave et al. 2017, "Efficient softmax approximation for GPUs", and Baevski & Auli 2019, "Adaptive input
representations": the vocabulary is sorted by frequency and cut into clusters; rarer clusters get narrower embeddings,
and the first softmax chooses between the frequent words and the clusters of the others.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from engine.families.transfo_xl.configuration import TransfoXLConfig


def _begins_and_ends(config: TransfoXLConfig) -> list[tuple[int, int]]:
    ends = config.cluster_ends
    return list(zip([0, *ends[:-1]], ends, strict=True))


def _projection(config: TransfoXLConfig, width: int) -> nn.Parameter:
    return nn.Parameter(torch.zeros(config.d_model, width))


class AdaptiveEmbedding(nn.Module):
    """Ids (batch, n) to (batch, n, d_model), scaled by the root of d_model.

    With `div_val` 1 all clusters are as wide, so there is one table, and one projection where it is needed at all.
    """

    def __init__(self, config: TransfoXLConfig) -> None:
        super().__init__()
        self.scale = config.d_model**0.5
        self.clusters = _begins_and_ends(config)
        self.emb_layers = nn.ModuleList()
        self.emb_projs = nn.ParameterList()
        if config.div_val == 1:
            self.clusters = [(0, config.vocab_size)]
            self.emb_layers.append(nn.Embedding(config.vocab_size, config.d_embed))
            if config.d_embed != config.d_model:
                self.emb_projs.append(_projection(config, config.d_embed))
            return
        for number, (begin, end) in enumerate(self.clusters):
            width = config.d_embed // config.div_val**number
            self.emb_layers.append(nn.Embedding(end - begin, width))
            self.emb_projs.append(_projection(config, width))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        if len(self.clusters) == 1:
            return self._embedded(0, ids) * self.scale
        flat = ids.flatten()
        first = self._embedded(0, flat.clamp(max=self.clusters[0][1] - 1))
        found = torch.where((flat < self.clusters[0][1])[:, None], first, 0)
        for number, (begin, end) in enumerate(self.clusters[1:], start=1):
            places = ((flat >= begin) & (flat < end)).nonzero().squeeze(1)
            found = found.index_copy(0, places, self._embedded(number, flat[places] - begin))
        return found.unflatten(0, ids.shape) * self.scale

    def _embedded(self, number: int, ids: torch.Tensor) -> torch.Tensor:
        rows = self.emb_layers[number](ids)
        return nn.functional.linear(rows, self.emb_projs[number]) if len(self.emb_projs) else rows


class AdaptiveLogSoftmax(nn.Module):
    """Hidden states (.., d_model) to the log-probabilities of all words (.., vocabulary), at least in float32."""

    def __init__(self, config: TransfoXLConfig) -> None:
        super().__init__()
        self.clusters = _begins_and_ends(config)
        self.one_table = config.div_val == 1
        rare = config.n_clusters - 1
        if rare:
            self.cluster_weight = nn.Parameter(torch.zeros(rare, config.d_embed))
            self.cluster_bias = nn.Parameter(torch.zeros(rare))
        self.out_layers = nn.ModuleList()
        self.out_projs = nn.ParameterList()
        if self.one_table:
            self.out_layers.append(nn.Linear(config.d_embed, config.vocab_size))
            if config.d_embed != config.d_model:
                self.out_projs.extend(_projection(config, config.d_embed) for _ in self.clusters)
            return
        for number, (begin, end) in enumerate(self.clusters):
            width = config.d_embed // config.div_val**number
            self.out_layers.append(nn.Linear(width, end - begin))
            self.out_projs.append(_projection(config, width))

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        head = self._log_probabilities(0, hidden)
        frequent = self.clusters[0][1]
        found = [head[..., :frequent]]
        for number in range(1, len(self.clusters)):
            chosen = head[..., frequent + number - 1 : frequent + number]  # that the word is of this cluster
            found.append(chosen + self._log_probabilities(number, hidden))
        return torch.cat(found, dim=-1)

    def _log_probabilities(self, number: int, hidden: torch.Tensor) -> torch.Tensor:
        """Of the words of one cluster; the first one's are followed by those of the other clusters."""
        if len(self.out_projs):
            hidden = hidden @ self.out_projs[number]
        logits = nn.functional.linear(hidden, *self._table(number))
        if number == 0 and len(self.clusters) > 1:
            logits = torch.cat([logits, nn.functional.linear(hidden, self.cluster_weight, self.cluster_bias)], dim=-1)
        return logits.log_softmax(dim=-1, dtype=torch.promote_types(logits.dtype, torch.float32))

    def _table(self, number: int) -> tuple[torch.Tensor, torch.Tensor]:
        layer: Any = self.out_layers[0 if self.one_table else number]
        begin, end = self.clusters[number] if self.one_table else (0, None)
        return layer.weight[begin:end], layer.bias[begin:end]
