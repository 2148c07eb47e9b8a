"""Transformer-XL (Dai et al. 2019) as a model of transformers, which has none any more.

Own work from the paper. The names of the weights are those of the old checkpoints, so they load as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from transformers import GenerationMixin, PreTrainedModel
from transformers import initialization as init
from transformers.utils import ModelOutput

from engine.families.transfo_xl.adaptive import AdaptiveEmbedding, AdaptiveLogSoftmax
from engine.families.transfo_xl.attention import RelativeAttention, visible
from engine.families.transfo_xl.configuration import TransfoXLConfig
from engine.families.transfo_xl.layers import DecoderLayer, sinusoids
from engine.families.transfo_xl.memory import KEPT_FROM, Memory, last_heads, last_rows, layer_past


@dataclass
class TransfoXLModelOutput(ModelOutput):  # type: ignore[misc]
    """`last_hidden_state` (batch, n, d_model), `mems` a tensor (mem_len, batch, d_model) a layer."""

    last_hidden_state: torch.Tensor | None = None
    mems: list[torch.Tensor] | None = None
    hidden_states: tuple[torch.Tensor, ...] | None = None
    attentions: tuple[torch.Tensor, ...] | None = None


@dataclass
class TransfoXLLMHeadModelOutput(ModelOutput):  # type: ignore[misc]
    """`logits` (batch, n, vocabulary) are log-probabilities: the `exp` of a row sums to one."""

    loss: torch.Tensor | None = None
    logits: torch.Tensor | None = None
    mems: list[torch.Tensor] | None = None
    hidden_states: tuple[torch.Tensor, ...] | None = None
    attentions: tuple[torch.Tensor, ...] | None = None


class TransfoXLPreTrainedModel(PreTrainedModel):  # type: ignore[misc]
    """What transformers wants to know to make, load, save and place these models."""

    config_class = TransfoXLConfig
    base_model_prefix = "transformer"
    _no_split_modules = ["DecoderLayer", "AdaptiveEmbedding", "AdaptiveLogSoftmax"]  # noqa: RUF012
    # A buffer of old checkpoints: the frequencies of the sinusoids, which follow from d_model.
    _keys_to_ignore_on_load_unexpected = [r"pos_emb\.inv_freq$"]  # noqa: RUF012

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        std = self.config.init_std
        if isinstance(module, nn.Linear):
            init.normal_(module.weight, std=std)
            if module.bias is not None:
                init.zeros_(module.bias)
        elif isinstance(module, nn.Embedding):
            init.normal_(module.weight, std=std)
        elif isinstance(module, nn.LayerNorm):
            init.normal_(module.weight, mean=1.0, std=std)
            init.zeros_(module.bias)
        elif isinstance(module, RelativeAttention) or (isinstance(module, TransfoXLModel) and module.one_bias):
            init.normal_(module.r_w_bias, std=std)
            init.normal_(module.r_r_bias, std=std)
        elif isinstance(module, AdaptiveLogSoftmax) and len(module.clusters) > 1:
            init.normal_(module.cluster_weight, std=std)
            init.zeros_(module.cluster_bias)
        elif isinstance(module, nn.ParameterList):  # the projections, in and out
            for projection in module:
                init.normal_(projection, std=self.config.proj_init_std)

    def get_expanded_tied_weights_keys(self, all_submodels: bool = False) -> dict[str, str]:
        """Which weight is another one, {name: name of the source}; the config says it in more than one place."""
        if all_submodels:
            return super().get_expanded_tied_weights_keys(all_submodels=True)
        return dict(self._tied_weights_keys or {})


class TransfoXLModel(TransfoXLPreTrainedModel):
    """Embedding and layers, without the softmax."""

    def __init__(self, config: TransfoXLConfig) -> None:
        super().__init__(config)
        self.word_emb = AdaptiveEmbedding(config)
        self.drop = nn.Dropout(config.dropout)
        self.layers = nn.ModuleList(DecoderLayer(config) for _ in range(config.n_layer))
        # With no memory the window would show a token nothing at all, not even itself.
        self.window = config.mem_len if config.same_length and config.mem_len else None
        self.one_bias = not config.untie_r
        if self.one_bias:
            self.r_w_bias = nn.Parameter(torch.zeros(config.n_head, config.d_head))
            self.r_r_bias = nn.Parameter(torch.zeros(config.n_head, config.d_head))
            names = ("r_w_bias", "r_r_bias")
            layers = range(config.n_layer)
            self._tied_weights_keys = {f"layers.{i}.dec_attn.{name}": name for i in layers for name in names}
        self.post_init()

    def get_input_embeddings(self) -> nn.Module:
        return self.word_emb

    def init_mems(self, batch: int) -> list[torch.Tensor] | None:
        """The memory before anything was seen: zeros, which are attended to as any other rows are."""
        if not self.config.mem_len:
            return None
        shape = (self.config.mem_len, batch, self.config.d_model)
        return [torch.zeros(shape, dtype=self.dtype, device=self.device) for _ in self.layers]

    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        mems: Sequence[torch.Tensor] | None = None,
        inputs_embeds: torch.Tensor | None = None,
        use_cache: bool | None = None,
        output_hidden_states: bool | None = None,
        output_attentions: bool | None = None,
        return_dict: bool | None = None,
        **_: Any,
    ) -> TransfoXLModelOutput | tuple[Any, ...]:
        """`input_ids` (batch, n) follow what `mems` remember; without mems they are the beginning of a text."""
        if (input_ids is None) == (inputs_embeds is None):
            raise ValueError("give either input_ids or inputs_embeds")
        hidden = self.word_emb(input_ids) if inputs_embeds is None else inputs_embeds
        batch, n, _width = hidden.shape
        if mems is None:
            mems = self.init_mems(batch)
        elif len(mems) != len(self.layers) or any(rows.shape[1] != batch for rows in mems):
            raise ValueError(f"mems must hold a tensor (mem_len, {batch}, d_model) for each of the layers")
        m = mems[0].shape[0] if mems is not None else 0
        hidden = self.drop(hidden)
        distances = self.drop(sinusoids(m + n, self.config, hidden.device, hidden.dtype))
        mask = visible(n, m, self.window, hidden.device)
        keep = self.config.mem_len if use_cache is not False else 0
        memory, states, weights = Memory(), [], []
        for number, layer in enumerate(self.layers):
            states.append(hidden)
            attended = layer(hidden, layer_past(mems, number), distances, mask)
            if keep:
                memory.append(last_rows(mems[number] if mems is not None else None, hidden, keep))
            if keep >= KEPT_FROM:
                memory.heads.append((last_heads(attended.keys, keep), last_heads(attended.values, keep)))
            weights.append(attended.weights)
            hidden = attended.output
        hidden = self.drop(hidden)
        output = TransfoXLModelOutput(
            last_hidden_state=hidden,
            mems=memory if keep else None,
            hidden_states=(*states, hidden) if self._wanted("output_hidden_states", output_hidden_states) else None,
            attentions=tuple(weights) if self._wanted("output_attentions", output_attentions) else None,
        )
        return output if self._wanted("return_dict", return_dict) else output.to_tuple()

    def _wanted(self, name: str, asked: bool | None) -> bool:
        return bool(getattr(self.config, name) if asked is None else asked)


class TransfoXLLMHeadModel(TransfoXLPreTrainedModel, GenerationMixin):  # type: ignore[misc]
    """The language model. `generate()` gives it the whole prompt first, then a token at a time with the memory."""

    def __init__(self, config: TransfoXLConfig) -> None:
        super().__init__(config)
        self.transformer = TransfoXLModel(config)
        self.crit = AdaptiveLogSoftmax(config)
        self._tied_weights_keys = self._shared_with_the_embedding()
        self.post_init()

    def _shared_with_the_embedding(self) -> dict[str, str]:
        tied, embedding = {}, "transformer.word_emb"
        if self.config.tie_word_embeddings and self.config.tie_weight:
            for i in range(len(self.crit.out_layers)):
                tied[f"crit.out_layers.{i}.weight"] = f"{embedding}.emb_layers.{i}.weight"
        for i in range(len(self.crit.out_projs)):
            if self.config.tie_projs[i]:
                tied[f"crit.out_projs.{i}"] = f"{embedding}.emb_projs.{0 if self.crit.one_table else i}"
        return tied

    @property
    def has_recurrent_memory(self) -> bool:
        """True where a step needs the last token and `mems` alone."""
        return bool(self.config.mem_len)

    def get_output_embeddings(self) -> None:
        """None: the output is no single layer."""

    def resize_token_embeddings(self, *_: Any, **__: Any) -> nn.Module:
        raise NotImplementedError("the vocabulary of an adaptive softmax cannot be resized")

    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        mems: Sequence[torch.Tensor] | None = None,
        inputs_embeds: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        use_cache: bool | None = None,
        output_hidden_states: bool | None = None,
        output_attentions: bool | None = None,
        return_dict: bool | None = None,
        logits_to_keep: int = 0,
        **_: Any,
    ) -> TransfoXLLMHeadModelOutput | tuple[Any, ...]:
        """As `TransfoXLModel`; `logits_to_keep` positions from the end get their logits, or all where it is 0.

        `labels` are the input ids again; each is predicted from those before it, and -100 is left out.
        """
        seen = self.transformer(
            input_ids, mems, inputs_embeds, use_cache, output_hidden_states, output_attentions, return_dict=True
        )
        hidden = seen.last_hidden_state
        logits = self.crit(hidden[:, -logits_to_keep:] if labels is None else hidden)
        loss = None
        if labels is not None:
            loss = nn.functional.nll_loss(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten().to(logits.device))
        output = TransfoXLLMHeadModelOutput(loss, logits, seen.mems, seen.hidden_states, seen.attentions)
        wanted = self.config.return_dict if return_dict is None else return_dict
        return output if wanted else output.to_tuple()

    @classmethod
    def _supports_default_dynamic_cache(cls) -> bool:
        return False

    def prepare_inputs_for_generation(
        self,
        input_ids: torch.Tensor,
        next_sequence_length: int | None = None,
        mems: Sequence[torch.Tensor] | None = None,
        attention_mask: torch.Tensor | None = None,
        use_cache: bool | None = None,
        logits_to_keep: int | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """All ids, or with a memory the last `next_sequence_length` of them where that is given."""
        inputs: dict[str, Any] = {"use_cache": use_cache, "logits_to_keep": logits_to_keep or 0}
        for name in ("output_hidden_states", "output_attentions"):
            inputs[name] = kwargs.get(name)
        if mems and next_sequence_length:
            return inputs | {"input_ids": input_ids[:, -next_sequence_length:], "mems": mems}
        if attention_mask is not None and not attention_mask.all():
            raise ValueError("Transformer-XL knows no padding: the texts of a batch must be equally long")
        return inputs | {"input_ids": input_ids, "mems": mems}

    def _update_model_kwargs_for_generation(
        self, outputs: ModelOutput, model_kwargs: dict[str, Any], *options: Any, **more: Any
    ) -> dict[str, Any]:
        """The memory goes by its own name, and not by the cache's as releases before 5.24 have it."""
        updated = super()._update_model_kwargs_for_generation(outputs, model_kwargs, *options, **more)
        updated.pop("past_key_values", None)
        return updated | ({"mems": outputs.mems} if "mems" in outputs else {})

    @staticmethod
    def _reorder_cache(mems: Sequence[torch.Tensor], beam_idx: torch.Tensor) -> Memory:
        return (mems if isinstance(mems, Memory) else Memory(mems)).select(beam_idx)
