"""Transformer-XL as the paper writes it down: one number at a time, in float64, with numpy alone."""

from __future__ import annotations

from math import cos, exp, log, sin, sqrt

import numpy as np
from numpy.typing import NDArray

from engine.families.transfo_xl.configuration import TransfoXLConfig
from engine.families.transfo_xl.model import TransfoXLLMHeadModel

Array = NDArray[np.float64]


class Naive:
    """The same weights, and nothing else in common."""

    def __init__(self, model: TransfoXLLMHeadModel) -> None:
        self.config: TransfoXLConfig = model.config
        self.weights = {name: value.double().numpy() for name, value in model.state_dict().items()}

    def segment(self, ids: list[int], memory: list[Array] | None = None) -> tuple[Array, list[Array]]:
        """(n, vocabulary) log-probabilities, and the memory that the segment leaves."""
        config = self.config
        memory = memory or [np.zeros((config.mem_len, config.d_model)) for _ in range(config.n_layer)]
        hidden = np.stack([self.embedded(index) for index in ids])
        left = []
        for layer in range(config.n_layer):
            left.append(np.concatenate([memory[layer], hidden])[-config.mem_len :])
            hidden = self.layer(f"transformer.layers.{layer}", hidden, memory[layer])
        return np.stack([self.log_probabilities(row) for row in hidden]), left

    def embedded(self, index: int) -> Array:
        config, table = self.config, "transformer.word_emb"
        if config.div_val == 1:
            cluster, begin = 0, 0
        else:
            cluster = sum(index >= cutoff for cutoff in config.cutoffs)
            begin = [0, *config.cutoffs][cluster]
        row = self.weights[f"{table}.emb_layers.{cluster}.weight"][index - begin]
        projection = self.weights.get(f"{table}.emb_projs.{cluster}")
        if projection is not None:
            row = projection @ row
        return row * sqrt(config.d_model)

    def layer(self, name: str, hidden: Array, memory: Array) -> Array:
        config = self.config
        n, m = len(hidden), len(memory)
        rows = np.concatenate([memory, hidden])
        if config.pre_lnorm:
            rows = np.stack([self.normed(f"{name}.dec_attn.layer_norm", row) for row in rows])
        projected = rows @ self.weights[f"{name}.dec_attn.qkv_net.weight"].T
        projected = projected.reshape(m + n, 3, config.n_head, config.d_head)
        u, v = self.weights[f"{name}.dec_attn.r_w_bias"], self.weights[f"{name}.dec_attn.r_r_bias"]
        out = np.zeros((n, config.n_head, config.d_head))
        for i in range(n):
            for head in range(config.n_head):
                query, scores = projected[m + i, 0, head], {}
                for j in range(m + i + 1):
                    distance = m + i - j
                    if config.same_length and distance >= config.mem_len:
                        continue
                    by_content = (query + u[head]) @ projected[j, 1, head]
                    by_distance = (query + v[head]) @ self.relative(name, distance)[head]
                    scores[j] = (by_content + by_distance) / sqrt(config.d_head)
                total = sum(exp(score) for score in scores.values())
                for j, score in scores.items():
                    out[i, head] += exp(score) / total * projected[j, 2, head]
        hidden = hidden + out.reshape(n, -1) @ self.weights[f"{name}.dec_attn.o_net.weight"].T
        if not config.pre_lnorm:
            hidden = np.stack([self.normed(f"{name}.dec_attn.layer_norm", row) for row in hidden])
        return np.stack([self.fed_forward(f"{name}.pos_ff", row) for row in hidden])

    def relative(self, name: str, distance: int) -> Array:
        config = self.config
        if config.clamp_len > 0:
            distance = min(distance, config.clamp_len)
        angles = [distance / 10000 ** (2 * i / config.d_model) for i in range(config.d_model // 2)]
        position = np.array([sin(angle) for angle in angles] + [cos(angle) for angle in angles])
        return (self.weights[f"{name}.dec_attn.r_net.weight"] @ position).reshape(config.n_head, config.d_head)

    def fed_forward(self, name: str, row: Array) -> Array:
        inner = self.normed(f"{name}.layer_norm", row) if self.config.pre_lnorm else row
        inner = self.weights[f"{name}.CoreNet.0.weight"] @ inner + self.weights[f"{name}.CoreNet.0.bias"]
        inner = self.weights[f"{name}.CoreNet.3.weight"] @ inner.clip(min=0) + self.weights[f"{name}.CoreNet.3.bias"]
        return row + inner if self.config.pre_lnorm else self.normed(f"{name}.layer_norm", row + inner)

    def normed(self, name: str, row: Array) -> Array:
        centred = row - row.mean()
        scaled = centred / sqrt((centred**2).mean() + self.config.layer_norm_epsilon)
        return scaled * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]

    def log_probabilities(self, row: Array) -> Array:
        config = self.config
        ends = [*config.cutoffs, config.vocab_size]
        head = self.scores(0, row)
        if config.cutoffs:
            narrow = self.projected(0, row)
            head = np.concatenate(
                [head, self.weights["crit.cluster_weight"] @ narrow + self.weights["crit.cluster_bias"]]
            )
        head = self.normalised(head)
        found = [head[: ends[0]]]
        for cluster in range(1, len(ends)):
            found.append(head[ends[0] + cluster - 1] + self.normalised(self.scores(cluster, row)))
        return np.concatenate(found)

    def scores(self, cluster: int, row: Array) -> Array:
        table = 0 if self.config.div_val == 1 else cluster
        weight = self.weights[f"crit.out_layers.{table}.weight"]
        bias = self.weights[f"crit.out_layers.{table}.bias"]
        if self.config.div_val == 1:
            begin, end = [0, *self.config.cutoffs, self.config.vocab_size][cluster : cluster + 2]
            weight, bias = weight[begin:end], bias[begin:end]
        return weight @ self.projected(cluster, row) + bias

    def projected(self, cluster: int, row: Array) -> Array:
        projection = self.weights.get(f"crit.out_projs.{cluster}")
        return row if projection is None else row @ projection

    @staticmethod
    def normalised(scores: Array) -> Array:
        most = scores.max()
        return scores - (most + log(sum(exp(score - most) for score in scores)))
