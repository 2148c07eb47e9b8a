"""Settings to logits processors: transformers' own classes, in its own order, so that seeds are comparable."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from transformers import (
    EncoderNoRepeatNGramLogitsProcessor,
    EncoderRepetitionPenaltyLogitsProcessor,
    EpsilonLogitsWarper,
    EtaLogitsWarper,
    ExponentialDecayLengthPenalty,
    ForcedBOSTokenLogitsProcessor,
    ForcedEOSTokenLogitsProcessor,
    InfNanRemoveLogitsProcessor,
    LogitNormalization,
    LogitsProcessor,
    MinLengthLogitsProcessor,
    MinNewTokensLengthLogitsProcessor,
    MinPLogitsWarper,
    NoBadWordsLogitsProcessor,
    NoRepeatNGramLogitsProcessor,
    RepetitionPenaltyLogitsProcessor,
    SequenceBiasLogitsProcessor,
    SuppressTokensAtBeginLogitsProcessor,
    SuppressTokensLogitsProcessor,
    TemperatureLogitsWarper,
    TopHLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
    TypicalLogitsWarper,
)

from engine.chat import end_ids
from engine.sampling.filters import Filtering
from engine.sampling.force_tokens import ForceTokensLogitsProcessor
from engine.sampling.form import Form, FormLogitsProcessor, asked
from engine.sampling.hamming import HammingDiversityLogitsProcessor
from engine.sampling.healing import Healing, HealingLogitsProcessor
from engine.sampling.spelling import Spelling
from engine.sampling.synthid import SynthIDStage
from engine.sampling.watermark import WatermarkStage
from engine.settings import PARAMETERS, Settings
from engine.settings.filters import FILTERS
from engine.settings.names import BEAMS, FORMS
from engine.settings.shapes import SynthIDMark

if TYPE_CHECKING:
    from engine.events import Prepared
    from engine.models.loaded import LoadedModel


@dataclass(frozen=True, slots=True)
class Context:
    """What processors need beside the settings; `eos_token_ids` are the model's own, in a chat with its end of a turn.

    `prompt` are its ids (1, length); `grammar_tokenizer` makes what forms need, `forms` is the one in force, or none;
    `spoken` are the tokens that earlier groups of beams have taken at this very step; `spelling` knows what words are
    as tokens, `healing` what of the prompt is to be said again. `custom`
    are a caller's own processors.
    """

    prompt: torch.Tensor
    eos_token_ids: tuple[int, ...]
    positions: int | None
    spoken: list[int] = field(default_factory=list)
    grammar_tokenizer: Callable[[], Any] = lambda: None
    forms: list[Form] = field(default_factory=list)
    spelling: Spelling = field(default_factory=Spelling)
    filtering: Filtering = field(default_factory=Filtering)
    healing: Healing | None = None
    custom: tuple[LogitsProcessor, ...] = ()

    @classmethod
    def of(cls, model: LoadedModel, ready: Prepared, settings: Settings) -> Context:
        """That of a run from this prompt."""
        ids, tail = ready.ids, ready.tail
        prompt = torch.tensor([list(ids)], device=model.device)
        return cls(
            prompt,
            end_ids(model, settings),
            model.positions,
            grammar_tokenizer=lambda: model.grammar_tokenizer,
            spelling=Spelling(model),
            filtering=Filtering(model),
            healing=Healing(model.vocabulary, tail.text.encode("utf-8", "replace"), tail.cuts) if tail else None,
        )

    @property
    def prompt_length(self) -> int:
        """Tokens of the prompt."""
        return self.prompt.shape[1]

    @property
    def device(self) -> torch.device:
        """Where logits and ids are."""
        return self.prompt.device


@dataclass(frozen=True, slots=True)
class Stage:
    """One processor and the setting that it stands for."""

    name: str
    processor: LogitsProcessor


Maker = Callable[[Settings, Context], LogitsProcessor | None]


def _ending(make: Callable[[Settings, Context, list[int]], LogitsProcessor]) -> Maker:
    """For what changes the odds of the end: nothing to do where no token ends a text."""

    def maker(settings: Settings, context: Context) -> LogitsProcessor | None:
        end_ids = settings.end_ids(context.eos_token_ids)
        return make(settings, context, list(end_ids)) if end_ids else None

    return maker


class PromptRepetition(EncoderRepetitionPenaltyLogitsProcessor):  # type: ignore[misc]
    """The library's, for however many rows there are at a step."""

    def __init__(self, penalty: float, prompt: torch.Tensor) -> None:
        super().__init__(penalty, prompt)
        self._prompt = prompt

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Scores (rows, vocabulary)."""
        self.encoder_input_ids = self._prompt.expand(scores.shape[0], -1)
        return super().__call__(input_ids, scores)


def _bad_words(settings: Settings, context: Context) -> LogitsProcessor | None:
    ends = settings.end_ids(context.eos_token_ids)
    phrases = [phrase for phrase in context.spelling.phrases(settings.bad_words) if phrase not in [(i,) for i in ends]]
    return NoBadWordsLogitsProcessor(_lists(tuple(phrases)), list(ends) or None) if phrases else None


def _word_bias(settings: Settings, context: Context) -> LogitsProcessor | None:
    pairs = [(phrase, bias) for word, bias in settings.word_bias or () for phrase in context.spelling.phrases([word])]
    return _biased(pairs) if pairs else None


def _biased(pairs: Iterable[tuple[Sequence[int], float]]) -> LogitsProcessor:
    """As a dict, which every release reads alike: in lists 5.17 refuses the token 0."""
    return SequenceBiasLogitsProcessor({tuple(phrase): bias for phrase, bias in pairs})


def _suppress_words(settings: Settings, context: Context) -> LogitsProcessor | None:
    ids = {token for phrase in context.spelling.phrases(settings.suppress_words) for token in phrase}
    return SuppressTokensLogitsProcessor(sorted(ids), str(context.device)) if ids else None


def _begin_suppress(settings: Settings, context: Context) -> LogitsProcessor:
    forced_first = context.prompt_length == 1 and settings.forced_bos_token_id is not None
    begin = context.prompt_length + forced_first
    return SuppressTokensAtBeginLogitsProcessor(list(settings.begin_suppress_tokens), begin, str(context.device))


def _kept(settings: Settings, context: Context) -> int:
    """Tokens that the warpers leave at least: a beam needs one to go on with beside all that would end it."""
    return max(len(settings.end_ids(context.eos_token_ids)), 1) + 1 if settings.strategy in BEAMS else 1


def _warper(kind: Callable[..., LogitsProcessor], name: str) -> Maker:
    return lambda s, context: kind(getattr(s, name), min_tokens_to_keep=_kept(s, context))


def _form(settings: Settings, context: Context) -> LogitsProcessor | None:
    """The form goes on where other settings change; another form begins where it is asked for."""
    wanted = asked(settings)
    if wanted is None:
        context.forms.clear()
        return None
    if not context.forms or context.forms[0].wanted != wanted:
        context.forms[:] = [Form(context.grammar_tokenizer(), wanted)]
    return FormLogitsProcessor(context.forms[0])


def _watermark(settings: Settings, context: Context) -> LogitsProcessor | None:
    mark = settings.watermarking_config
    if mark is None:
        return None
    return (
        SynthIDStage(mark, context.prompt_length, context.device)
        if isinstance(mark, SynthIDMark)
        else WatermarkStage(mark)
    )


# Act under every strategy, or under the one that they name.
PROCESSORS: dict[str, Maker] = {
    "sequence_bias": lambda s, _: _biased(s.sequence_bias or ()),
    "word_bias": _word_bias,
    "diversity_penalty": lambda s, context: (
        HammingDiversityLogitsProcessor(s.diversity_penalty, context.spoken) if s.strategy == "diverse-beam" else None
    ),
    "encoder_repetition_penalty": lambda s, context: PromptRepetition(s.encoder_repetition_penalty, context.prompt),
    "repetition_penalty": lambda s, _: RepetitionPenaltyLogitsProcessor(s.repetition_penalty),
    "no_repeat_ngram_size": lambda s, _: NoRepeatNGramLogitsProcessor(s.no_repeat_ngram_size),
    "encoder_no_repeat_ngram_size": lambda s, context: EncoderNoRepeatNGramLogitsProcessor(
        s.encoder_no_repeat_ngram_size, context.prompt
    ),
    "bad_words_ids": lambda s, context: NoBadWordsLogitsProcessor(
        _lists(s.bad_words_ids), list(s.end_ids(context.eos_token_ids)) or None
    ),
    "bad_words": _bad_words,
    "min_length": _ending(lambda s, c, ends: MinLengthLogitsProcessor(s.min_length, ends, str(c.device))),
    "min_new_tokens": _ending(
        lambda s, c, ends: MinNewTokensLengthLogitsProcessor(c.prompt_length, s.min_new_tokens, ends, str(c.device))
    ),
    "filters": lambda s, context: context.filtering.processor(s, s.end_ids(context.eos_token_ids)),
    "forced_bos_token_id": lambda s, _: ForcedBOSTokenLogitsProcessor(s.forced_bos_token_id),
    "forced_eos_token_id": lambda s, c: ForcedEOSTokenLogitsProcessor(
        c.prompt_length + s.room(c.prompt_length, c.positions), list(s.forced_eos_token_id), str(c.device)
    ),
    "remove_invalid_values": lambda *_: InfNanRemoveLogitsProcessor(),
    "exponential_decay_length_penalty": _ending(
        lambda s, c, ends: ExponentialDecayLengthPenalty(s.exponential_decay_length_penalty, ends, c.prompt_length)
    ),
    "suppress_tokens": lambda s, c: SuppressTokensLogitsProcessor(list(s.suppress_tokens), str(c.device)),
    "suppress_words": _suppress_words,
    "begin_suppress_tokens": _begin_suppress,
    "forced_decoder_ids": lambda s, _: ForceTokensLogitsProcessor(dict(s.forced_decoder_ids or ())),
}
# Act only where tokens are drawn: greedy takes the likeliest whatever these say.
WARPERS: dict[str, Maker] = {
    "temperature": lambda s, _: TemperatureLogitsWarper(s.temperature),
    "top_h": lambda s, _: TopHLogitsWarper(s.top_h),
    "top_k": _warper(TopKLogitsWarper, "top_k"),
    "top_p": _warper(TopPLogitsWarper, "top_p"),
    "min_p": _warper(MinPLogitsWarper, "min_p"),
    "typical_p": _warper(TypicalLogitsWarper, "typical_p"),
    "epsilon_cutoff": _warper(EpsilonLogitsWarper, "epsilon_cutoff"),
    "eta_cutoff": lambda s, context: EtaLogitsWarper(
        s.eta_cutoff, min_tokens_to_keep=_kept(s, context), device=str(context.device)
    ),
}


def _healing(settings: Settings, context: Context) -> LogitsProcessor | None:
    room = settings.room(context.prompt_length, context.positions)
    return HealingLogitsProcessor(context.healing, context.prompt_length, room) if context.healing else None


# Leave what keeps to them, whatever the scores are.
KEEPING = frozenset({"filters", "form", "token_healing"})
# Act last of the processors, under every strategy; one of them at most.
FORM: dict[str, Maker] = {"form": _form, "token_healing": _healing}
# Act last of all, under every strategy.
FINISHERS: dict[str, Maker] = {
    "watermarking_config": _watermark,
    "renormalize_logits": lambda *_: LogitNormalization(),
}


# The settings that shape the distribution of the next token.
SHAPING = frozenset({*PROCESSORS, *WARPERS, *FINISHERS, *FORMS, *FILTERS})


def stages(settings: Settings, context: Context) -> tuple[Stage, ...]:
    """The processors that these settings switch on, in the order in which they act."""
    custom = {f"custom {number}": _given(processor) for number, processor in enumerate(context.custom, 1)}
    makers = PROCESSORS | custom | FORM | (WARPERS if settings.draws else {}) | FINISHERS
    wanted = (
        name for name in makers if name not in PARAMETERS or name in KEEPING or name in FORM or _is_on(settings, name)
    )
    made = ((name, makers[name](settings, context)) for name in wanted)
    return tuple(Stage(name, processor) for name, processor in made if processor is not None)


def _given(processor: LogitsProcessor) -> Maker:
    return lambda *_: processor


def _is_on(settings: Settings, name: str) -> bool:
    parameter = PARAMETERS[name]
    neutral = parameter.off if parameter.can_be_off else parameter.upstream
    return bool(getattr(settings, name) != neutral)


def _lists(value: Any) -> Any:
    """Tuples as the lists that the library asks for."""
    return [_lists(item) for item in value] if isinstance(value, tuple) else value
