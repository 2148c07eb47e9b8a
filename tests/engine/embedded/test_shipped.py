"""The shipped checkpoint, opened the plain way."""

from __future__ import annotations

import hashlib
import re
import stat
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from engine.models.embedded import CHECKPOINT, card
from engine.models.embedded.corpus import read_file
from engine.models.embedded.history import read_history
from engine.models.embedded.likelihood import PLAIN, held_out_passages, likelihood, plain_passages, sha256
from engine.models.embedded.measured_card import with_measures
from engine.models.embedded.measures import Measures, read
from engine.models.embedded.sample import OPENINGS, continuations
from engine.models.embedded.writing import counts, written
from tests.paths import CORPUS, needs_corpus


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def test_it_continues_a_story_in_english() -> None:
    tokenizer = AutoTokenizer.from_pretrained(CHECKPOINT)
    model: Any = AutoModelForCausalLM.from_pretrained(CHECKPOINT, dtype=torch.float32)
    prompt = tokenizer("Once upon a time", return_tensors="pt")
    assert prompt.input_ids[0, 0] == tokenizer.eos_token_id == tokenizer.bos_token_id == 0
    output = model.generate(**prompt, max_new_tokens=40, min_new_tokens=40, do_sample=False)
    text = str(tokenizer.decode(output[0, prompt.input_ids.shape[1] :]))
    words = re.findall(r"[A-Za-z]+", text)
    assert len(words) >= 20
    assert {"a", "the", "was", "who", "and"} & set(words)


def test_it_is_small_half_precision_and_readable_by_all() -> None:
    files = {path.name: path.stat() for path in CHECKPOINT.iterdir()}
    assert {"config.json", "generation_config.json", "README.md", "tokenizer.json"} <= files.keys()
    assert files["model.safetensors"].st_size <= 30_000_000
    assert {stat.S_IMODE(status.st_mode) & 0o444 for status in files.values()} == {0o444}
    model = AutoModelForCausalLM.from_pretrained(CHECKPOINT, dtype="auto")
    assert model.dtype == torch.float16
    assert model.config.n_positions == 512


def test_naming_the_folder_loads_nothing_heavy() -> None:
    program = "import sys, engine.models.embedded; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.fixture(scope="module")
def kept() -> Measures:
    found = read(CHECKPOINT)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def shipped() -> tuple[Any, Any]:
    """The model and its tokenizer, opened the plain way."""
    model = AutoModelForCausalLM.from_pretrained(CHECKPOINT, dtype=torch.float32)
    return model, AutoTokenizer.from_pretrained(CHECKPOINT).backend_tokenizer


def test_the_card_tells_how_these_weights_came_about(kept: Measures, shipped: tuple[Any, Any]) -> None:
    model, tokenizer = shipped
    made = card.write(read_history(CHECKPOINT), model.num_parameters(), tokenizer.get_vocab_size())
    assert (CHECKPOINT / "README.md").read_text(encoding="utf-8") == with_measures(made, kept)


def test_the_card_tells_the_figures_of_these_weights(kept: Measures) -> None:
    text = (CHECKPOINT / "README.md").read_text(encoding="utf-8")
    assert kept.weights == hashlib.sha256((CHECKPOINT / "model.safetensors").read_bytes()).hexdigest()
    assert with_measures(text, kept) == text
    assert kept.texts().keys() == {"plain sentences", "house stories", "classic prose"}
    assert [each.temperature for each in kept.writings] == [0.3, 0.8, 1.2, None]
    assert [sample.opening for sample in kept.samples] == list(OPENINGS)


def test_the_figures_come_again_from_the_file(kept: Measures, shipped: tuple[Any, Any]) -> None:
    """Those that take little: the plain sentences, one opening at each temperature, the first samples."""
    found = likelihood(*shipped, PLAIN, plain_passages())
    (before,) = (each for each in kept.likelihoods if each.text == PLAIN)
    assert found == replace(before, nats=found.nats)
    assert found.nats == pytest.approx(before.nats, rel=1e-4)
    for each in kept.writings[:3]:
        assert each.temperature is not None
        opening = 4  # of those that end soonest
        again = counts(each.temperature, [written(*shipped, opening, each.temperature)])
        assert (again.words, again.english) == ((each.words[opening],), (each.english[opening],))
    for seed, sample in enumerate(kept.samples[:3]):
        assert continuations(*shipped, sample.opening, seed=seed) == [sample.text]


@needs_corpus
def test_the_text_it_is_measured_on_is_the_held_out_part(kept: Measures) -> None:
    held_out = held_out_passages([read_file(CORPUS / "house-stories.txt.xz")])
    assert kept.texts()["house stories"] == sha256(held_out["house stories"])
