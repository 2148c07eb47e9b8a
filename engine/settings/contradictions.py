"""Settings that do not go together under the strategy that is chosen, each told in one line with the way out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.settings.names import BEAMS, FORMS, SINGLE

if TYPE_CHECKING:
    from engine.settings.snapshot import Settings


def of(settings: Settings) -> str:
    """The first contradiction; empty where there is none."""
    strategy, sequences, beams = settings.strategy, settings.num_return_sequences, settings.num_beams
    if sequences > 1 and (strategy in SINGLE or (strategy == "dola" and not settings.draws)):
        return f"num_return_sequences {sequences}: {strategy} gives one sequence; take strategy sample for several"
    if strategy in BEAMS and sequences > beams:
        return f"num_return_sequences {sequences}: there are {beams} beams (num_beams); ask for no more than that"
    forms = [name for name in FORMS if getattr(settings, name)]
    if len(forms) > 1:
        return f"{forms[0]} and {forms[1]}: a text can keep one form at a time; clear one of them"
    shortest, longest = settings.min_word_length, settings.max_word_length
    if 0 < longest < shortest:
        return f"min_word_length {shortest}: more than max_word_length {longest}; no word can be both"
    if strategy == "diverse-beam":
        return _of_groups(settings)
    if strategy == "constrained-beam":
        if not settings.forced_phrases and not settings.force_words:
            return "strategy constrained-beam: no words are forced; give force_words, or take strategy beam"
        if beams < 2:
            return f"num_beams {beams}: forced words need at least 2 beams"
    if strategy == "dola" and settings.dola_layers is None:
        return "dola_layers off: strategy dola needs low, high or a list of layers"
    return ""


def idle(settings: Settings) -> dict[str, str]:
    """What is set and does nothing for want of another setting: its name, and the line that says so."""
    return without_guidance(settings) | without_chat(settings)


def without_chat(settings: Settings) -> dict[str, str]:
    """The part of `idle` that waits for a chat."""
    alone = settings.system_prompt and not settings.chat
    return {"system_prompt": "system_prompt: no effect while chat is off; set that on"} if alone else {}


def without_guidance(settings: Settings) -> dict[str, str]:
    """The part of `idle` that waits for a scale."""
    without_scale = settings.guidance_scale == 1
    given = [name for name in ("negative_prompt", "negative_prompt_ids") if without_scale and getattr(settings, name)]
    return {name: f"{name}: no effect while guidance_scale is off; set it, to 1.5 for instance" for name in given}


def _of_groups(settings: Settings) -> str:
    beams, groups = settings.num_beams, settings.num_beam_groups
    if groups < 2:
        return f"num_beam_groups {groups}: strategy diverse-beam needs at least 2 groups"
    if beams % groups:
        return f"num_beam_groups {groups}: must divide the {beams} beams (num_beams) evenly"
    if settings.diversity_penalty <= 0:
        return "diversity_penalty 0: the groups would all say the same; give more than 0"
    return ""
