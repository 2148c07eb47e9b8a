"""What of a model's config the memory of its text depends on, read without the library that runs the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.models.small_files import number_in, plausible, text_in

# How configs call the same thing, the commonest name first.
_WIDTH = ("hidden_size", "n_embd", "d_model", "emb_dim")
_LAYERS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")
_HEADS = ("num_attention_heads", "n_head", "n_heads", "num_heads")
_POSITIONS = ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "max_sequence_length", "seq_length")
_VOCABULARY = ("vocab_size", "n_words")
# Types whose layers all slide where the config gives a window and does not say which.
_ALL_SLIDE = {"mistral", "mixtral", "starcoder2", "phi3", "phimoe"}
_WINDOWED = {"sliding_attention", "chunked_attention"}


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes from a config; None for what it does not say.

    `row` counts the numbers that a layer keeps of a token, `whole` the layers that keep all tokens, `sliding` those
    that keep the last `window`. A memory of fixed size is `full` from the first token on; `beside` counts rows that are
    no tokens.
    """

    model_type: str = ""
    positions: int | None = None
    vocabulary: int | None = None
    width: int | None = None
    layers: int | None = None
    kv_heads: int | None = None
    head_dim: int | None = None
    row: int | None = None
    whole: int = 0
    sliding: int = 0
    window: int = 0
    beside: int = 0
    full: bool = False

    def kept(self, tokens: int) -> int | None:
        """The numbers that are kept of a text of so many tokens; None where the config does not tell."""
        if self.row is None:
            return None
        tokens += self.beside
        return self.row * (
            self.whole * tokens + self.sliding * (self.window if self.full else min(tokens, self.window))
        )


def shape_of(config: Mapping[str, Any]) -> Shape:
    """The shape that a `config.json` describes; nothing in it is trusted."""
    inner = config.get("text_config")
    values = {**config, **inner} if isinstance(inner, dict) else dict(config)
    kind = text_in(dict(config), "model_type")
    width, layers, heads = number_in(values, *_WIDTH), number_in(values, *_LAYERS), number_in(values, *_HEADS)
    kv_heads = 1 if _is_multi_query(values) else number_in(values, "num_key_value_heads", "num_kv_heads", "n_head_kv")
    each = number_in(values, "head_dim", "d_head") or (width // heads if width and heads else None)
    positions = None if kind in ("xlnet", "transfo-xl") else number_in(values, *_POSITIONS)
    sizes: dict[str, Any] = {"model_type": kind, "positions": positions, "vocabulary": number_in(values, *_VOCABULARY)}
    sizes |= {"width": width, "layers": layers, "kv_heads": kv_heads or heads, "head_dim": each}
    return Shape(**sizes, **_memory(kind, values, sizes))


def shape_of_gguf(values: Mapping[str, Any]) -> Shape:
    """As `shape_of`, from the values in the head of a .gguf file."""
    kind = text_in(dict(values), "general.architecture")
    own = {key.removeprefix(f"{kind}."): value for key, value in values.items()}
    width, heads = number_in(own, "embedding_length"), number_in(own, "attention.head_count")
    layers, kv_heads = number_in(own, "block_count"), number_in(own, "attention.head_count_kv") or heads
    each = number_in(own, "attention.key_length") or (width // heads if width and heads else None)
    return Shape(
        kind,
        number_in(own, "context_length"),
        number_in(own, "vocab_size", "tokenizer.ggml.tokens"),
        width,
        layers,
        kv_heads,
        each,
        2 * kv_heads * each if kv_heads and each else None,
        layers or 0,
    )


def _memory(kind: str, values: Mapping[str, Any], sizes: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of a text: keys and values, the hidden states of a recurrent memory, or nothing."""
    layers, kv_heads, each = sizes["layers"], sizes["kv_heads"], sizes["head_dim"]
    if layers is None:
        return {}
    length = plausible(values.get("mem_len"))
    if kind == "transfo-xl":  # Dai et al. 2019: as large after ten tokens as after ten thousand
        return {"row": sizes["width"], "sliding": layers if length else 0, "window": length or 0, "full": True}
    if kind == "xlnet":  # Yang et al. 2019: a row beside the text's for the token that is predicted
        memory = {"sliding": layers, "window": length} if length else {"whole": layers}
        return {"row": sizes["width"], "beside": 1, **memory}
    if kind == "xlm" and not values.get("causal"):
        return {"row": 0}
    if kv_heads is None or each is None:
        return {}
    row = 2 * kv_heads * each
    parts = [number_in(dict(values), name) for name in ("qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim")]
    if None not in parts:  # DeepSeek's latent attention is kept unfolded: keys and values of two widths
        row = kv_heads * sum(part or 0 for part in parts)
    return {"row": row, **_layers(kind, values, layers)}


def _layers(kind: str, values: Mapping[str, Any], layers: int) -> dict[str, int]:
    """Which layers keep all of a text, and which a window of it."""
    window = number_in(dict(values), "sliding_window", "attention_chunk_size")
    if window is None or values.get("use_sliding_window") is False:
        window = None
    kinds = values.get("layer_types")
    if isinstance(kinds, list) and len(kinds) == layers:
        sliding = sum(each in _WINDOWED for each in map(str, kinds)) if window else 0
        whole = sum(str(each) == "full_attention" for each in kinds) + (0 if window else _windowed(kinds))
        return {"whole": whole, "sliding": sliding, "window": window or 0}
    if window and kind in _ALL_SLIDE:
        return {"sliding": layers, "window": window}
    return {"whole": layers}


def _windowed(kinds: list[Any]) -> int:
    return sum(str(kind) in _WINDOWED for kind in kinds)


def _is_multi_query(values: Mapping[str, Any]) -> bool:
    return values.get("multi_query") is True and values.get("new_decoder_architecture") is not True
