"""Transformer-XL: our own port, since transformers has dropped it.

`register()` makes it known to transformers' Auto classes. Nothing heavy is imported before that.
"""

from __future__ import annotations


def register() -> None:
    """Let AutoConfig, AutoModel, AutoModelForCausalLM and AutoTokenizer find it; again does no harm."""
    from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoTokenizer

    from engine.families.transfo_xl.configuration import TransfoXLConfig
    from engine.families.transfo_xl.model import TransfoXLLMHeadModel, TransfoXLModel
    from engine.families.transfo_xl.tokenizer import TransfoXLTokenizer

    AutoConfig.register(TransfoXLConfig.model_type, TransfoXLConfig, exist_ok=True)
    AutoModel.register(TransfoXLConfig, TransfoXLModel, exist_ok=True)
    AutoModelForCausalLM.register(TransfoXLConfig, TransfoXLLMHeadModel, exist_ok=True)
    AutoTokenizer.register(TransfoXLConfig, slow_tokenizer_class=TransfoXLTokenizer, exist_ok=True)
