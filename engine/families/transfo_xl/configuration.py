"""The configuration of a Transformer-XL, with the names that its old `config.json` files use."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from transformers import PreTrainedConfig


class TransfoXLConfig(PreTrainedConfig):  # type: ignore[misc]
    """Sizes and switches of Dai et al. 2019; the defaults are those of the model trained on WikiText-103.

    `cutoffs` are the ids at which the clusters of the adaptive softmax begin, the first cluster's aside. `div_val`
    divides the width of the embeddings from one cluster to the next. `mem_len` hidden states a layer are remembered;
    under `same_length` every token sees that many, itself included; distances beyond `clamp_len` count as `clamp_len`.
    `tie_projs` says cluster by cluster whether the output shares its projection with the input.

    Fields that only training needed (`init`, `tgt_len`, ...) are kept, so that a file survives being saved again.
    """

    model_type = "transfo-xl"
    keys_to_ignore_at_inference = ["mems"]  # noqa: RUF012
    attribute_map = {  # noqa: RUF012
        "hidden_size": "d_model",
        "num_attention_heads": "n_head",
        "num_hidden_layers": "n_layer",
        "n_token": "vocab_size",
    }

    vocab_size: int = 267735
    cutoffs: list[int] | tuple[int, ...] = (20000, 40000, 200000)
    d_model: int = 1024
    d_embed: int = 1024
    n_head: int = 16
    d_head: int = 64
    d_inner: int = 4096
    div_val: int = 4
    pre_lnorm: bool = False
    n_layer: int = 18
    tgt_len: int = 128
    ext_len: int = 0
    mem_len: int = 1600
    clamp_len: int = 1000
    same_length: bool = True
    proj_share_all_but_first: bool = True
    attn_type: int = 0
    sample_softmax: int = -1
    adaptive: bool = True
    dropout: float = 0.1
    dropatt: float = 0.0
    untie_r: bool = True
    init: str = "normal"
    init_range: float = 0.01
    proj_init_std: float = 0.01
    init_std: float = 0.02
    layer_norm_epsilon: float = 1e-5
    tie_weight: bool = True
    tie_word_embeddings: bool = True
    tie_projs: list[bool] | tuple[bool, ...] | None = None
    max_position_embeddings: int = -1  # no limit: positions are relative, and what is far away was forgotten
    use_cache: bool = True
    pad_token_id: int | None = None
    bos_token_id: int | None = None
    eos_token_id: int | list[int] | None = 0

    def __post_init__(self, **kwargs: Any) -> None:
        super().__post_init__(**kwargs)
        self.cutoffs = list(self.cutoffs)
        if self.tie_projs is None:
            self.tie_projs = [False] + [self.proj_share_all_but_first] * len(self.cutoffs)
        given = list(self.tie_projs)[: self.n_clusters]
        self.tie_projs = given + [False] * (self.n_clusters - len(given))
        self._check()

    @property
    def n_clusters(self) -> int:
        """How many clusters the vocabulary falls into, that of the most frequent words included."""
        return len(self.cutoffs) + 1

    @property
    def cluster_ends(self) -> list[int]:
        """The id after the last one of each cluster."""
        return [*self.cutoffs, self.vocab_size]

    def _check(self) -> None:
        """Say what the code could not do with such a configuration, before it fails in the middle."""
        sizes = ("vocab_size", "d_model", "d_embed", "n_head", "d_head", "d_inner", "n_layer", "div_val")
        for name in sizes:
            if getattr(self, name) < 1:
                raise ValueError(f"Transformer-XL config: {name} must be at least 1")
        ends = [0, *self.cluster_ends]
        if any(begin >= end for begin, end in pairwise(ends)):
            raise ValueError("Transformer-XL config: cutoffs must rise and stay below vocab_size")
        if self.d_embed < self.div_val ** len(self.cutoffs):
            raise ValueError("Transformer-XL config: div_val leaves the last cluster no width")
        if self.d_model % 2:
            raise ValueError("Transformer-XL config: d_model must be even")
        if self.mem_len < 0:
            raise ValueError("Transformer-XL config: mem_len must be at least 0")
        if self.attn_type != 0:
            raise ValueError("Transformer-XL config: only attn_type 0, the attention of the paper, is supported")
        if self.sample_softmax > 0:
            raise ValueError("Transformer-XL config: sample_softmax is not supported, only the adaptive softmax")
