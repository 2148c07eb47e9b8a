"""One prompt under several settings or models, and where the texts part."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine import Settings
from engine.compare_command import MARK, main, variants_of
from engine.comparison import Outcome, Parting, Variant, outcomes, parting
from engine.events import Sequence
from engine.models.loaded import LoadedModel
from tests.models import end, ids, play, saved, tiny_gpt2

PROMPT = "the old river"


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(saved(tiny_gpt2(), tmp_path_factory.mktemp("checkpoint")))


def test_variants_give_what_single_runs_give_model_by_model(gpt2: LoadedModel) -> None:
    other = tiny_gpt2(n_layer=1)
    models, asked = {None: gpt2, "other": other}, []

    def load(name: str | None) -> LoadedModel:
        asked.append(name)
        return models[name]

    base = Settings(max_new_tokens=8)
    variants = [
        Variant("a", base),
        Variant("b", base, "other"),
        Variant("c", base.changed(temperature=0.1)),
        Variant("d", base.changed(prefix=" " * 0, max_new_tokens=9)),
    ]
    found: dict[int, Outcome] = dict(outcomes(variants, PROMPT, load))
    assert asked == [None, "other"] and list(found) == [0, 2, 3, 1]
    for place, variant in enumerate(variants):
        model = models[variant.model]
        model.runner.reset()
        assert list(found[place].sequences[0].token_ids) == ids(play(model, PROMPT, variant.settings))
    one, longer = found[0].sequences[0], found[3].sequences[0]
    assert parting(one, longer, same_model=True) == Parting(len(one.text), 8), "one goes on where the other ends"


def written(text: str, *token_ids: int) -> Sequence:
    return Sequence(token_ids, text, (), "length")


def test_where_texts_part() -> None:
    one = written("a river", 1, 2)
    assert parting(one, one, same_model=True) is None
    assert parting(one, written("a road", 1, 3), same_model=True) == Parting(3, 1)
    assert parting(one, written("a river", 9, 9), same_model=False) is None
    assert parting(one, written("a river", 1, 5, 6), same_model=True) == Parting(7, 1), "the same text by other tokens"
    assert parting(one, written("", 8), same_model=False) == Parting(0, None)


def test_a_variant_is_what_its_words_say() -> None:
    base = Settings(top_k=7, prefix="x")
    [plain, careful, both] = variants_of(
        [["temperature=0.5"], ["preset=2"], ["preset=2", "k=3", "model=M"]], None, base
    )
    assert plain == Variant("temperature 0.5", base.changed(temperature=0.5))
    assert (careful.settings.min_p, careful.settings.top_k, careful.settings.prefix) == (0.1, 0, "x")
    assert (both.settings.min_p, both.settings.top_k, both.model) == (0.1, 3, "M")
    assert variants_of([["temperature=2"]], None, base)[0].settings == base
    swept = variants_of([], "temperature=0.2, 1.4", base)
    assert [variant.settings.temperature for variant in swept] == [0.2, 1.4]


def test_the_command_marks_where_they_part(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--model_name_or_path", folder, "--prompt", PROMPT, "--length", "10", "--p", "1"]
    main([*words, "--sweep", "temperature=1,1,0.1", "--json"])
    document = json.loads(capsys.readouterr().out)
    first, same, other = (variant["sequences"][0] for variant in document["variants"])
    assert same["token_ids"] == first["token_ids"] and same["parts"] is None
    at = other["parts"]["tokens"]
    assert first["token_ids"][:at] == other["token_ids"][:at] and first["token_ids"][at] != other["token_ids"][at]
    assert [variant["settings"].get("temperature", 1.0) for variant in document["variants"]] == [1.0, 1.0, 0.1]
    main([*words, "--sweep", "temperature=1,1,0.1"])
    out = capsys.readouterr().out
    cut = other["parts"]["characters"]
    assert other["text"][:cut] + MARK + other["text"][cut:] in out and "(the same as 1)" in out
    assert f"after {at} tokens, {cut} characters" in out


def test_a_variant_that_fails_leaves_the_others(
    folder: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--model_name_or_path", folder, "--prompt", PROMPT, "--length", "3"]
    main([*words, "--with", f"model={tmp_path / 'nowhere'}"])
    out = capsys.readouterr().out
    assert "failed: " in out and "no such file or folder" in out and end(play(tiny_gpt2(), PROMPT))
    assert "(what the others are set against)" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "nothing to compare"),
        (["--sweep", "temperature=1"], "must be a setting and its values"),
        (["--sweep", "temperature=1,hot"], "temperature hot"),
        (["--sweep", "warmth=1,2"], "warmth: no such setting"),
        (["--with", "temperature"], "must be name=value"),
        (["--with", "preset=nine"], "preset nine"),
        (["--with", "k=1", "--sweep", "k=1,2"], "give one of the two"),
        (["--with", "model=./nowhere", "--model_name_or_path", "./nowhere"], "no such file or folder"),
    ],
)
def test_the_command_refuses_in_one_line(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["--prompt", PROMPT, *words])
    out, err = capsys.readouterr()
    assert (exit_.value.code, out, err.count("\n")) == (2, "", 1) and said in err
