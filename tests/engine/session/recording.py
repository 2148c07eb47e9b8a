"""Random sessions, recorded as the session's own worker does it, for what reads records."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import engine
from engine.controls import Controls
from engine.events import Event, Failed, Finished, Token
from engine.models.loaded import LoadedModel
from engine.session.transcript import Transcript
from engine.settings import Settings
from tests.models import PROMPT

WAYS: list[dict[str, Any]] = [
    {"strategy": "sample", "top_p": 1.0},
    {"strategy": "sample", "num_return_sequences": 3, "top_k": 40},
    {"strategy": "sample", "guidance_scale": 1.5, "negative_prompt_ids": (5, 6)},
    {"strategy": "greedy"},
    {"strategy": "beam", "num_beams": 3, "num_return_sequences": 2},
    {"strategy": "beam-sample", "num_beams": 3},
    {"strategy": "diverse-beam", "num_beams": 4, "num_beam_groups": 2, "diversity_penalty": 0.5},
    {"strategy": "contrastive", "top_k": 4, "penalty_alpha": 0.4},
    {"strategy": "assisted", "prompt_lookup_num_tokens": 3, "do_sample": True},
    {"strategy": "assisted", "assistant_model": "tiny"},
    {"strategy": "dola", "dola_layers": "low"},
    {"strategy": "sample", "overflow": "slide", "context_window": 16},
]
MOVES: list[dict[str, Any]] = [
    {"temperature": 0.7},
    {"temperature": 1.3},
    {"top_k": 5},
    {"top_k": 0},
    {"repetition_penalty": 1.4},
    {"max_new_tokens": 9},
    {"guidance_scale": 2.0},
    {"guidance_scale": 1.0},
    {"context_window": 18},
    {"length_penalty": 0.5},
]


def record_session(model: LoadedModel, path: Path, random: Random, runs: int = 4) -> list[list[Event]]:
    """A session with a model whose runners are new: runs, changes while they go, stops, going on."""
    transcript = Transcript(path)
    told: list[list[Event]] = []
    going: tuple[list[int], Settings, int] | None = None
    for number in range(runs):
        on = going is not None and random.random() < 0.5
        if on and going is not None:
            prompt, settings, drawn = going
            settings = settings.changed(num_return_sequences=1)
        else:
            prompt, drawn = list(PROMPT[: random.randint(2, len(PROMPT))]), 0
            settings = Settings(max_new_tokens=random.choice((6, 20)), seed=random.randrange(99), alternatives=2)
            settings = settings.changed(**random.choice(WAYS))
        more: dict[str, Any] = {"how": "on", "drawn": drawn, "sequence": 0} if on else {"how": "new"}
        transcript.run(model=model.identity(), prompt="", settings=settings, fresh=not number, **more)
        events = one_run(model, transcript, prompt, settings, random, drawn)
        told.append(events)
        last = events[-1]
        if isinstance(last, Finished):
            end = last.sequences[0]
            going = ([*prompt, *end.token_ids], settings, end.drawn)
    transcript.close()
    return told


def one_run(
    model: LoadedModel, transcript: Transcript, prompt: Sequence[int], settings: Settings, random: Random, drawn: int
) -> list[Event]:
    """One run with changes and maybe a stop, each when some event has come."""
    controls, events = Controls(), []
    stop_after = random.choice((None, None, random.randint(1, 30)))
    for count, event in enumerate(engine.generate(model, prompt, settings, controls, drawn=drawn)):
        transcript.event(event)
        events.append(event)
        assert not isinstance(event, Failed), event
        if isinstance(event, Token) and random.random() < 0.15:
            controls.change(**random.choice(MOVES))
        if count == stop_after:
            controls.stop()
    return events
