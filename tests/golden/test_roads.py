"""Other roads, for every family: rewound, swapped, picked and branched, a text goes on as a fresh run from there would,
and what is told of a step is what the model's own forward pass gives.

What XLNet sees of a text depends on the passes that the text came by: its prompt is seen both ways in one, what was
written by steps. A run that goes on from new text makes that text its prompt, so it is compared with a fresh model that
is given it as a prompt (these agree), and not with the run that wrote it; a pick inside a run, which takes no new
prompt, agrees with that run as everywhere. A look repeats its run's passes: there it is compared with the library's
passes taken step by step. Both Transformer-XL checkpoints have `same_length`, by which all passes see alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
import torch

import engine
from engine import Controls, Settings
from engine.events import Event, Looked, Prefilled, Token
from engine.looking import look
from engine.models.loaded import LoadedModel
from engine.runner import CachedRunner
from engine.weighing import Weighing
from tests.models import counted, end, golden_model, ids, play, xlnet_pass
from tests.paths import needs_golden
from tui.branches import Place
from tui.jobs import RunJob
from tui.looking import look as look_into
from tui.session import Session

pytestmark = needs_golden
MODELS = ("gpt2", "llama", "openai-gpt", "ctrl", "xlnet", "xlm", "xlm-noncausal", "transfo-xl", "transfo-xl-div4")
PROMPT = "The old king lived by the river"
LENGTH, CUT = 12, 5
COMMON = {"max_new_tokens": LENGTH, "seed": 11, "eos_token_id": (), "xlm_language": "en", "repetition_penalty": 1.2}
DRAWN = {"temperature": 0.8, "top_k": 40, "top_p": 0.9}
WAYS = {
    "sample": Settings(strategy="sample", **COMMON, **DRAWN),
    "greedy": Settings(strategy="greedy", **COMMON),
}
CLOSE = 5e-4
each_model = pytest.mark.parametrize("name", MODELS)
each_way = pytest.mark.parametrize("settings", WAYS.values(), ids=WAYS)


def fresh(name: str) -> LoadedModel:
    """The model with nothing remembered."""
    return golden_model(name).apart()


def tokens(events: Sequence[Event]) -> list[Token]:
    return [event for event in events if isinstance(event, Token)]


def same(found: Sequence[Token], wanted: Sequence[Token]) -> None:
    """The same tokens, at the same log-probabilities but for rounding."""
    assert [token.id for token in found] == [token.id for token in wanted]
    assert [token.logprob for token in found] == pytest.approx([token.logprob for token in wanted], abs=CLOSE)


def another(model: LoadedModel, prompt: Sequence[int], settings: Settings, came: int | None = None) -> int:
    """A token that the sampler leaves a chance and that did not come, else the runner-up in the model's own order."""
    weighing = look(model, prompt, (), settings, chosen=came)
    left = zip(weighing.ids, weighing.stages[-1].probabilities, strict=True)
    return next((token for token, chance in left if token != came and chance > 0), weighing.ids[1])


# By the engine


@each_way
@each_model
def test_going_on_from_a_prefix_is_a_fresh_run(name: str, settings: Settings) -> None:
    """Rewound into the middle, with another token put there, and with one of its own: each against a fresh model."""
    model = fresh(name)
    whole = tokens(play(model, PROMPT, settings))
    ready = model.family.prepare(model, PROMPT, settings).ids
    written = [token.id for token in whole]
    rest = settings.changed(max_new_tokens=LENGTH - CUT)
    drawn = CUT * settings.draws

    prefix = [*ready, *written[:CUT]]
    on = tokens(play(model, prefix, rest, drawn=drawn))
    same(on, tokens(play(fresh(name), prefix, rest, drawn=drawn)))
    if not model.runner.by_passes:
        same(on, whole[CUT:])

    other = another(model, prefix, rest, written[CUT])
    swapped = tokens(play(model, prefix, rest, Controls(picks={0: other}), drawn=drawn))
    assert swapped[0].id == other and swapped[0].picked
    same(swapped, tokens(play(fresh(name), prefix, rest, Controls(picks={0: other}), drawn=drawn)))
    if not model.runner.by_passes:  # the token was a pick, the others came as they come after it
        after = rest.changed(max_new_tokens=LENGTH - CUT - 1)
        same(swapped[1:], tokens(play(fresh(name), [*prefix, other], after, drawn=drawn + settings.draws)))

    inside = tokens(play(model, PROMPT, settings, Controls(picks={CUT: other})))
    same(inside[:CUT], whole[:CUT])
    if not model.runner.by_passes:
        same(inside[CUT + 1 :], swapped[1:])
    same(inside, tokens(play(fresh(name), PROMPT, settings, Controls(picks={CUT: other}))))
    own = tokens(play(model, PROMPT, settings, Controls(picks={CUT: written[CUT]})))
    assert [token.id for token in own] == written, "to pick what would have come changes nothing after it"


@each_model
def test_the_cache_is_cut_and_not_computed_again(name: str) -> None:
    """A token more after a rewind is one narrow pass where the model has a cache; XLM's has its mask beside it.

    XLM is given the whole text and cuts off what it has in its cache, so it is counted at its first layer.
    """
    model = fresh(name)
    settings = WAYS["sample"]
    ready = model.family.prepare(model, PROMPT, settings).ids
    written = ids(play(model, PROMPT, settings))
    prefix = [*ready, *written[:CUT]]
    with _attending(model) if name == "xlm" else counted(model) as widths:
        events = play(model, prefix, settings.changed(max_new_tokens=1), drawn=CUT)
    reused = next(event.reused for event in events if isinstance(event, Prefilled))
    if isinstance(model.runner, CachedRunner):
        assert widths == [2 if name == "xlm" else 1] and reused == len(prefix) - 1
    elif name.startswith("transfo-xl"):  # a memory cannot be cut: from the end of the prompt that it was kept at
        assert widths == [CUT] and reused == len(ready)
    else:
        assert len(widths) == 1 and widths[0] >= len(prefix) and reused == 0


@contextmanager
def _attending(model: LoadedModel) -> Iterator[list[int]]:
    widths: list[int] = []
    first = model.model.transformer.attentions[0]
    handle = first.register_forward_pre_hook(lambda _, args: widths.append(args[0].shape[1]))
    try:
        yield widths
    finally:
        handle.remove()


# By the session


class Desk:
    """A session whose jobs are done by a model at once."""

    def __init__(self, model: LoadedModel, settings: Settings) -> None:
        self.model, self.session = model, Session(settings)

    def do(self, job: RunJob) -> list[Token]:
        told = []
        run = engine.generate(
            self.model, job.prompt, job.settings, job.controls, drawn=job.drawn, text=job.shown_prompt
        )
        for event in run:
            self.session.hear(event)
            told.append(event)
        end(told)
        return tokens(told)

    def look(self, step: int) -> Weighing:
        wanted = look_into(self.session, 0, step, "", 1)
        assert wanted is not None
        job = wanted.job
        return look(self.model, job.prompt, job.written, job.settings, chosen=job.chosen, form_at=job.form_at)


def by_hand(name: str, prompt: Sequence[int], written: Sequence[int], settings: Settings) -> torch.Tensor:
    """The logits (vocabulary,) of the step from the model's forward pass alone, without runner, cache or sampler."""
    model = golden_model(name)
    model.family.set_up(model, settings)
    text = torch.tensor([[*prompt, *written]])
    with torch.no_grad():
        if not model.runner.by_passes:
            given = model.model.prepare_inputs_for_generation(text, use_cache=False, is_first_iteration=True)
            return model.model(**given).logits[0, -1].double()
        memory = None
        for length in range(len(prompt), text.shape[1] + 1):
            output = xlnet_pass(model.model, text[:, :length], memory)
            memory = output.mems
        return output.logits[0, -1].double()


def stages(logits: torch.Tensor, text: Sequence[int], settings: Settings) -> dict[str, torch.Tensor]:
    """The distribution (vocabulary,) raw and after each stage, by the definitions of the papers."""
    found = {"raw": torch.softmax(logits, dim=-1)}
    scores = logits.clone()
    if settings.repetition_penalty != 1:
        seen = torch.tensor(sorted(set(text)))
        own = scores[seen]
        scores[seen] = torch.where(own < 0, own * settings.repetition_penalty, own / settings.repetition_penalty)
        found["repetition_penalty"] = torch.softmax(scores, dim=-1)
    if not settings.draws:
        return found
    if settings.temperature != 1:
        scores = scores / settings.temperature
        found["temperature"] = torch.softmax(scores, dim=-1)
    if settings.top_k:
        scores = scores.masked_fill(scores < scores.sort(descending=True).values[settings.top_k - 1], -torch.inf)
        found["top_k"] = torch.softmax(scores, dim=-1)
    if settings.top_p < 1:
        chances, order = torch.softmax(scores, dim=-1).sort(descending=True)
        kept = order[chances.cumsum(0) - chances < settings.top_p]  # the fewest that have so much together
        mask = torch.ones_like(scores, dtype=torch.bool)
        mask[kept] = False
        found["top_p"] = torch.softmax(scores.masked_fill(mask, -torch.inf), dim=-1)
    return found


def check_look(name: str, desk: Desk, step: int) -> None:
    """What is told of a step, number by number, against what the forward pass of its run gives."""
    here = desk.session.steps(0)[step]
    wanted = look_into(desk.session, 0, step, "", 1)
    assert wanted is not None
    prompt, written, came = here.origin.ids, list(wanted.job.written), here.token.id
    weighing = desk.look(step)
    by_definition = stages(by_hand(name, prompt, written, here.settings), [*prompt, *written], here.settings)
    assert weighing.chosen == came
    assert [stage.name for stage in weighing.stages] == list(by_definition)
    for stage, chances in zip(weighing.stages, by_definition.values(), strict=True):
        assert stage.probabilities == pytest.approx(chances[list(weighing.ids)].tolist(), abs=CLOSE)
        assert stage.probability == pytest.approx(float(chances[came]), abs=CLOSE)
        assert stage.left == int((chances > 0).sum())
        assert stage.entropy == pytest.approx(float(torch.special.entr(chances).sum()) / 0.6931471805599453, abs=1e-2)
        nearer = int((chances > chances[came] + CLOSE).sum()), int((chances >= chances[came] - CLOSE).sum())
        assert stage.rank is not None and nearer[0] < stage.rank <= max(nearer[1], nearer[0] + 1)
    last = weighing.stages[0 if here.token.picked else -1].probability
    assert last == pytest.approx(torch.tensor(here.token.logprob).exp().item(), abs=CLOSE)


@each_way
@each_model
def test_a_session_takes_other_roads_and_each_token_keeps_its_own_numbers(name: str, settings: Settings) -> None:
    """Begin, rewind and go on, swap, pick, back to a branch and on from there; the settings change on the way."""
    desk = Desk(fresh(name), settings)
    session = desk.session
    first = desk.do(session.begin(PROMPT))
    written = session.writing
    for step in (0, CUT, LENGTH - 1):
        check_look(name, desk, step)

    session.rewind(0, CUT)
    going = session.go_on(0)
    on = desk.do(going)
    same(on, tokens(play(fresh(name), going.prompt, going.settings, drawn=CUT * settings.draws)))
    if not desk.model.runner.by_passes:
        same(on[: LENGTH - CUT], first[CUT:])
    check_look(name, desk, CUT + 1)

    assert session.undo() and session.undo() and session.writing == written
    came = session.steps(0)[CUT]
    other = another(desk.model, [*came.origin.ids, *(token.id for token in first[:CUT])], settings, came.token.id)
    job = session.swap(0, CUT, other)
    swapped = desk.do(job)
    assert swapped[0].id == other
    picks = Controls(picks={0: other})
    same(swapped, tokens(play(fresh(name), job.prompt, job.settings, picks, drawn=CUT * settings.draws)))
    for step in (CUT - 1, CUT, CUT + 2):
        check_look(name, desk, step)

    session.change_together({"temperature": 1.3, "top_k": 15} if settings.draws else {"repetition_penalty": 1.6})
    chosen = another(desk.model, session.sequences[0].ids, session.settings)
    job = session.pick(0, chosen)
    drawn, at = job.drawn, len(session.steps(0))
    assert drawn == at * settings.draws
    picked = desk.do(job)
    same(picked, tokens(play(fresh(name), job.prompt, job.settings, Controls(picks={0: chosen}), drawn=drawn)))
    for step in (1, CUT, at, at + 3):
        check_look(name, desk, step)

    branch = session.roads.branches.at(Place(PROMPT, 0), written.sequences[0].text)
    assert branch is not None
    assert session.take(branch)
    assert [step.token.id for step in session.steps(0)[:LENGTH]] == [token.id for token in first]
    check_look(name, desk, CUT)
    session.rewind(0, CUT + 2)
    job = session.go_on(0)
    same(desk.do(job), tokens(play(fresh(name), job.prompt, job.settings, drawn=(CUT + 2) * settings.draws)))
    for step in (CUT, CUT + 2):
        check_look(name, desk, step)


@each_model
def test_a_look_between_two_tokens_is_what_the_run_weighed(name: str) -> None:
    """Under settings that change at a token, and with looks at other steps between any two."""
    model, settings = fresh(name), WAYS["sample"]
    changes = {3: {"temperature": 1.4, "top_k": 9}, 7: {"top_p": 0.5}}
    controls, looked, written = Controls(schedule=changes), [], []
    controls.looking = 0
    for event in engine.generate(model, PROMPT, settings, controls):
        if isinstance(event, Looked):
            looked.append(event.weighing)
            controls.looking = 0
        elif isinstance(event, Token):
            written.append(event.id)
            look(model, PROMPT, written[:1], settings.changed(xlm_language="fr"))
    now = settings
    for index, live in enumerate(looked):
        now = now.changed(**changes.get(index, {}))
        found = look(model, PROMPT, written[:index], now, chosen=written[index])
        assert [stage.name for stage in found.stages] == [stage.name for stage in live.stages]
        for one, other in zip(found.stages, live.stages, strict=True):
            assert one.probability == pytest.approx(other.probability, abs=CLOSE)
            assert (one.left, one.entropy) == pytest.approx((other.left, other.entropy), abs=1e-2)
    assert len(looked) == LENGTH
    assert written == ids(play(fresh(name), PROMPT, settings, Controls(schedule=changes)))
