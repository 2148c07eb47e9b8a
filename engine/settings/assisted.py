"""What assisted decoding drafts with, and how far ahead."""

from __future__ import annotations

from dataclasses import dataclass

from engine.settings.declaration import declare, declare_text

ASSISTED = ("assisted",)


@dataclass(frozen=True, kw_only=True)
class AssistedSettings:
    """They act under strategy assisted, and but for the ensemble weight change how soon the text is there alone."""

    prompt_lookup_num_tokens: int | None = declare(
        None,
        kind="int",
        can_be_off=True,
        low=1,
        high=1000,
        under=ASSISTED,
        live=True,
        label="lookup tokens",
        unit="tokens",
        help="Assisted: drafts so many tokens by looking up what followed the same words before; 10 where nothing "
        "else is to draft.",
        paper="Saxena 2023",
    )
    max_matching_ngram_size: int = declare(
        2,
        kind="int",
        upstream=2,
        low=1,
        high=100,
        span=(1, 10),
        under=ASSISTED,
        live=True,
        label="lookup n-gram",
        unit="tokens",
        help="Assisted, by lookup: how many tokens at the end of the text are looked for, or fewer where they "
        "are nowhere.",
    )
    assistant_model: str = declare_text(
        under=ASSISTED,
        live=False,
        help="Assisted: a smaller model that drafts, by the names that --model_name_or_path takes.",
        paper="Leviathan, Kalman & Matias 2023",
    )
    num_assistant_tokens: int = declare(
        20,
        kind="int",
        upstream=20,
        low=1,
        high=1000,
        span=(1, 50),
        under=ASSISTED,
        live=True,
        label="draft length",
        unit="tokens",
        help="Assisted, by a model: how many tokens it drafts at a time.",
    )
    num_assistant_tokens_schedule: str = declare(
        "constant",
        kind="choice",
        choices=("constant", "heuristic", "heuristic_transient"),
        upstream="constant",
        under=ASSISTED,
        live=True,
        label="draft schedule",
        help="Assisted, by a model: heuristic drafts two tokens more after a draft that held, one less after one that "
        "did not, and goes on so in the next run; heuristic_transient begins each run anew.",
    )
    assistant_confidence_threshold: float = declare(
        0.4,
        kind="float",
        upstream=0.4,
        low=0,
        high=1,
        span=(0, 1),
        step=0.05,
        under=ASSISTED,
        live=True,
        label="draft confidence",
        help="Assisted, by a model: a draft ends after a token that the drafting model gives less than this "
        "probability.",
    )
    assistant_early_exit: int | None = declare(
        None,
        kind="int",
        can_be_off=True,
        low=1,
        high=1000,
        under=ASSISTED,
        live=False,
        label="early exit",
        unit="layers",
        help="Assisted: the model's own first layers draft, so many of them.",
        paper="Elhoushi et al. 2024",
    )
    assistant_lookbehind: int = declare(
        10,
        kind="int",
        upstream=10,
        low=0,
        high=1000,
        under=ASSISTED,
        live=True,
        label="draft lookbehind",
        unit="tokens",
        help="Assisted, by a model with another tokenizer: how many of its last tokens are made anew from the text as "
        "that grows.",
    )
    target_lookbehind: int = declare(
        10,
        kind="int",
        upstream=10,
        low=0,
        high=1000,
        under=ASSISTED,
        live=True,
        label="text lookbehind",
        unit="tokens",
        help="Assisted, by a model with another tokenizer: how many tokens of the text its draft is joined to before "
        "that is made tokens of the model's own.",
    )
    assistant_ensemble_weight: float = declare(
        1.0,
        kind="float",
        upstream=1.0,
        off=1.0,
        can_be_off=True,
        low=0,
        low_open=True,
        high=1,
        span=(0, 1),
        step=0.05,
        under=ASSISTED,
        live=True,
        label="ensemble weight",
        help="Assisted, by a model: a drafted token is chosen from a mixture of both models, in which the large one "
        "has this weight; more drafts hold, and the text is no longer the large model's alone.",
    )
