"""What comes of a run: the best weights, kept as they come; at the end a model with its card, set beside the base."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import EngineError
from engine.finetune import card
from engine.finetune.events import Compared, Curve, Failed, Finished
from engine.finetune.setup import Ready
from engine.finetune.workplace import Workplace
from engine.finetune.writing import written
from engine.models.gguf import kept_folder
from engine.models.load import load
from engine.models.loaded import LoadedModel
from engine.models.resolve import resolve

Tell = Callable[[Any], None]
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the training went: `done` steps, of which `best` had the lowest held-out `loss`, in nats a token."""

    done: int
    best: int
    loss: float
    base_loss: float
    base_texts: tuple[str, ...]
    losses: Curve
    held_out_losses: Curve
    ran_away: bool


def keep(ready: Ready, step: int, loss: float) -> None:
    """Write the weights as they are now as an ordinary checkpoint or adapter, in the place of those kept before."""
    with ready.place.writing_best(step) as folder:
        if ready.job.lora:
            ready.learner.peft_config["default"].base_model_name_or_path = _base_place(ready)
            ready.learner.save_pretrained(folder)
        else:
            config = ready.model.model.config
            changed = getattr(config, "use_cache", None)
            if ready.use_cache is not None:
                config.use_cache = ready.use_cache
            ready.model.model.save_pretrained(folder)
            ready.model.tokenizer.save_pretrained(folder)
            if ready.use_cache is not None:
                config.use_cache = changed
        (folder / card.FACTS).write_text(json.dumps({"step": step, "held_out_loss": loss}), encoding="utf-8")


def kept(place: Workplace) -> tuple[int, float] | None:
    """The step whose weights are kept, and its held-out loss."""
    best = place.best()
    if best is None:
        return None
    with suppress(OSError, ValueError, KeyError):
        facts = json.loads((best / card.FACTS).read_text(encoding="utf-8"))
        return int(facts["step"]), float(facts["held_out_loss"])
    return None


def make(ready: Ready, outcome: Outcome, tell: Tell) -> None:
    """Compare the best with the base, write the card, and put all where it belongs."""
    rate = ready.plan.learning_rate
    if outcome.ran_away and outcome.loss >= outcome.base_loss:
        ready.place.remove()
        ran = f"the loss ran away at step {outcome.done:,} before anything was learned"
        tell(Failed(f"{ran}: the learning rate {rate:g} is too high; try --learning_rate {rate / 10:.1g}"))
        return
    compared = _compared(ready, outcome, tell)
    place, plan = ready.place, ready.plan
    facts = card.Facts(
        base=_base_name(ready),
        base_folder=Path(ready.model.source),
        base_sums=ready.model.sums,
        text=ready.text,
        tokens=ready.blocks.tokens,
        blocks=len(ready.blocks.training),
        held_out=len(ready.blocks.held_out),
        parameters=ready.parameters,
        trainable=ready.trainable,
        plan=plan,
        step=outcome.best,
        done=outcome.done,
        base_loss=outcome.base_loss,
        loss=outcome.loss,
        losses=outcome.losses,
        held_out_losses=outcome.held_out_losses,
        compared=compared,
    )
    place.publish(lambda folder: card.write(folder, facts))
    why = ""
    if outcome.ran_away:
        why = f"the loss ran away at step {outcome.done:,}: the learning rate {rate:g} is too high"
    elif outcome.loss >= outcome.base_loss:
        why = "the held-out loss did not fall: the text is short, or the model knows its like already"
    elif outcome.done < plan.steps:
        why = "stopped"
    tell(
        Finished(
            folder=str(place.out),
            adapter=plan.lora,
            model=ready.model.name,
            step=outcome.best,
            done=outcome.done,
            steps=plan.steps,
            base_loss=outcome.base_loss,
            held_out_loss=outcome.loss,
            why=why,
        )
    )


def _compared(ready: Ready, outcome: Outcome, tell: Tell) -> list[Compared]:
    """The plan's openings by base and tuned; without them, if the tuned one cannot write, the result is made all the
    same.
    """
    compared: list[Compared] = []
    try:
        tuned = _tuned(ready)
        for prompt, base in zip(ready.plan.prompts, outcome.base_texts, strict=True):
            compared.append(Compared(prompt, base, written(tuned, prompt, ready.plan.seed)))
            tell(compared[-1])
    except Exception:  # the model has been trained for hours, maybe, and is on the disk
        _LOG.debug("no comparison", exc_info=True)
    return compared


def _tuned(ready: Ready) -> LoadedModel:
    """The best, read from its files as it will be."""
    best = ready.place.best()
    if best is None:
        raise EngineError("nothing was kept")
    if ready.job.lora:
        from peft import set_peft_model_state_dict
        from safetensors.torch import load_file

        set_peft_model_state_dict(ready.learner, load_file(best / "adapter_model.safetensors"))
        return ready.model
    device = str(ready.model.device)
    ready.model.model.to("meta")  # one model at a time
    return load(str(best), family=ready.job.family, device=device, dtype="float32")


def _base_place(ready: Ready) -> str:
    """Where peft finds the base: its repository, or its folder."""
    source = resolve(ready.job.model)
    if source.kind == "hub":
        return source.place
    place = Path(ready.model.source).absolute()
    return str(kept_folder(place) if source.kind == "gguf" else place)


def _base_name(ready: Ready) -> str:
    """What the base is called: of a folder no more than its name, since the card goes wherever the model goes."""
    name = ready.model.name
    return name if resolve(ready.job.model).kind == "hub" else Path(name).name
