"""Word filters: what comes is judged by a naive look at the text, for every strategy and every kind of tokenizer."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers.models import Unigram
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

import engine
from engine import Controls, SettingError, Settings
from engine.events import Changed, Failed, Noted, Sequence
from engine.models.loaded import LoadedModel
from engine.run_generation import main
from engine.sampling.filters import WordFilter
from engine.sampling.filters.language import asked
from engine.settings import PARAMETERS
from engine.settings.word_list import words_of
from tests.models import SAMPLED, end, golden_model, loaded, metaspace_tokenizer, play, saved, tiny_gpt2
from tests.paths import needs_golden

LISTED = "the king and queen lived in a river by me don't café they were old of no son tower news Links"
FILTERS: list[dict[str, Any]] = [
    {"forbid_letters": "e"},
    {"forbid_letters": "éA"},
    {"allow_letters": "aeinorstdlh"},
    {"max_word_length": 3},
    {"min_word_length": 4},
    {"min_word_length": 2, "max_word_length": 5, "forbid_letters": "o"},
    {"forbid_pattern": "(?i).*(s|e|th.*)"},
    {"allow_pattern": "(?i)[a-m][a-z']*"},
    {"word_list": "yes"},
]
STRATEGIES = ["sample", "greedy", "beam", "beam-sample", "diverse-beam", "contrastive", "dola", "assisted"]


@pytest.fixture
def word_list(tmp_path: Path) -> str:
    path = tmp_path / "words.txt"
    path.write_text(LISTED, encoding="utf-8")
    return str(path)


def words(text: str) -> list[str]:
    """The naive way: letters, marks and digits, and apostrophes between them."""
    spaced = "".join(c if c in "'’" or unicodedata.category(c)[0] in "LMN" else " " for c in text)
    return [word for part in spaced.split() for word in re.split(r"''+|’’+|'’|’'", part.strip("'’")) if word]


def breaks(word: str, names: dict[str, Any]) -> bool:
    """Whether a word is not allowed, by the plainest reading of the filters."""
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", word).casefold())
    bare = "".join(c for c in apart if not unicodedata.combining(c))
    length = sum(c.isalnum() for c in word)
    plain = [c.casefold() for c in names.get("forbid_letters", "") if c.isascii()]
    accented = [c.casefold() for c in names.get("forbid_letters", "") if not c.isascii()]
    return (
        any(c in bare for c in plain)
        or any(c in unicodedata.normalize("NFC", word.casefold()) for c in accented)
        or ("allow_letters" in names and any(c.isalpha() and c not in names["allow_letters"] for c in bare))
        or not names.get("min_word_length", 0) <= length <= names.get("max_word_length", 10**9)
        or ("forbid_pattern" in names and re.fullmatch(names["forbid_pattern"], word) is not None)
        or ("allow_pattern" in names and re.fullmatch(names["allow_pattern"], word) is None)
        or ("word_list" in names and word.casefold().replace("’", "'") not in LISTED.casefold().split())
    )


def check(model: LoadedModel, sequence: Sequence, names: dict[str, Any]) -> int:
    """How many words there are; none of them may be one that is not allowed, but for a last one that is cut off."""
    text = sequence.text
    if sequence.finish_reason == "eos":
        text = text.removesuffix(model.tokenizer.convert_ids_to_tokens(sequence.token_ids[-1]))
    found = words(text)
    cut_off = sequence.finish_reason == "length" and text and (text[-1].isalnum() or text[-1] in "'’@\ufffd")
    for word in found[:-1] if cut_off else found:
        assert not breaks(word, names), (word, text, names)
    return len(found)


def metaspace_model() -> LoadedModel:
    sizes: dict[str, Any] = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 4}
    sizes |= {"num_attention_heads": 2, "vocab_size": 268, "bos_token_id": 1, "eos_token_id": 2}
    return loaded(LlamaForCausalLM(LlamaConfig(**sizes, initializer_range=0.5)), metaspace_tokenizer())


def model_named(name: str) -> LoadedModel:
    made: dict[str, Any] = {"embedded": lambda: engine.load(None, device="cpu"), "tiny": tiny_gpt2}
    made["metaspace"] = metaspace_model
    return made[name]() if name in made else golden_model(name)


GOLDEN_NAMES = ["gpt2", "openai-gpt", "ctrl", "xlnet", "xlm", "transfo-xl"]


@pytest.mark.parametrize(
    "name",
    ["embedded", "tiny", "metaspace", *(pytest.param(name, marks=needs_golden) for name in GOLDEN_NAMES)],
)
def test_no_sampled_text_ever_breaks_its_filter(name: str, word_list: str) -> None:
    """Every filter, on every kind of tokenizer."""
    model, language = model_named(name), "en" if name == "xlm" else ""
    for number, names in enumerate(FILTERS):
        given = names | ({"word_list": word_list} if "word_list" in names else {})
        settings = SAMPLED.changed(max_new_tokens=60, num_return_sequences=3, seed=number, xlm_language=language)
        run = end(play(model, "The news .", settings.changed(**given)))
        assert sum(check(model, sequence, names) for sequence in run.sequences) > 3, names


@pytest.mark.parametrize("strategy", [*STRATEGIES, "constrained-beam"])
def test_every_strategy_keeps_to_them(strategy: str, word_list: str) -> None:
    model = tiny_gpt2(n_layer=4)
    forced = {"force_words": ("ten",)} if strategy == "constrained-beam" else {}
    for number, names in enumerate(FILTERS[i] for i in (0, 5, 7, 8)):
        given = names | ({"word_list": word_list} if "word_list" in names else {})
        settings = SAMPLED.changed(max_new_tokens=30, seed=number, do_sample=False, **forced)
        [sequence] = end(play(model, "The news.", settings.changed(strategy=strategy, **given))).sequences
        check(model, sequence, names)


LETTERS = ["t", "h", "e", "i", "s", "y", "a", "n"]
PIECES = ["<unk>", "<s>", "</s>", "▁the", "▁th", "is", "▁a", "ey", *LETTERS, "▁"]


def hand_made() -> LoadedModel:
    """A vocabulary that can be looked through: words, pieces, letters, a space; no punctuation."""
    tokenizer = Tokenizer(Unigram([(piece, -float(i)) for i, piece in enumerate(PIECES)], 0))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<s>", eos_token="</s>")
    sizes: dict[str, Any] = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 4}
    sizes |= {"num_attention_heads": 2, "vocab_size": len(PIECES), "bos_token_id": 1, "eos_token_id": 2}
    return loaded(LlamaForCausalLM(LlamaConfig(**sizes, initializer_range=0.5)), fast)


@pytest.mark.parametrize(
    ("names", "before", "left", "may_end"),
    [
        ({"forbid_letters": "e"}, "▁the", "▁th is ▁a t h i s y a n ▁", True),
        ({"allow_letters": "ath"}, "▁", "▁th ▁a t h a ▁", True),
        # "th" has two letters; "this" has four.
        ({"max_word_length": 3}, "▁th", "▁the ▁th ▁a t h e i s y a n ▁", True),
        ({"max_word_length": 2}, "▁th", "▁th ▁a ▁", True),
        ({"min_word_length": 3}, "▁th", "is ey t h e i s y a n", False),
        ({"min_word_length": 3}, "▁the", "▁the ▁th is ▁a ey t h e i s y a n ▁", True),
        # A word that was too long before anybody asked may only end.
        ({"max_word_length": 2}, "▁the", "▁th ▁a ▁", True),
        ({"forbid_pattern": "the|a"}, "▁th", "▁the ▁th is ▁a ey t h e i s y a n ▁", True),
        ({"forbid_pattern": "the.*"}, "▁th", "▁th is ▁a t h i s y a n ▁", True),
        ({"allow_pattern": "th(is|ey)"}, "▁th", "is ey e i", False),
        ({"allow_pattern": "th(is|ey)"}, "▁th is", "▁the ▁th ▁", True),
        # z is no letter of this vocabulary, so no word is begun that needs it.
        ({"allow_pattern": "thiz|they"}, "▁th", "ey e", False),
    ],
)
def test_by_hand(names: dict[str, Any], before: str, left: str, may_end: bool) -> None:
    model = hand_made()
    allowed = WordFilter(model, asked(Settings(**names))).allowed(
        torch.tensor([PIECES.index(p) for p in before.split()])
    )
    assert [PIECES[i] for i in allowed.tokens.nonzero().flatten().tolist()] == left.split()
    assert allowed.end == may_end


@pytest.mark.parametrize("strategy", [*STRATEGIES, "constrained-beam"])
@pytest.mark.parametrize("more", [{}, {"suppress_tokens": list(range(2, len(PIECES)))}])
def test_where_nothing_is_left_the_run_ends_and_says_by_what(strategy: str, more: dict[str, Any]) -> None:
    forced = {"force_words_ids": [[4, 5]]} if strategy == "constrained-beam" else {}
    names = {"allow_pattern": "th.*", "max_word_length": 3} if more else {"allow_pattern": "zz", "forbid_letters": "a"}
    settings = SAMPLED.changed(**names, **more, **forced, eos_token_id=())
    model = hand_made()
    if not more:  # spaces alone could go on for ever
        settings = settings.changed(bad_words_ids=[[PIECES.index("▁")]])
    *_, last = play(model, [1, 3], settings.changed(strategy=strategy))
    assert isinstance(last, Failed) and last.error.isprintable()
    assert last.error.startswith(" and ".join(sorted(names, key=list(PARAMETERS).index)) + ": no token is left")


def test_a_text_may_end_where_its_word_may() -> None:
    """The end is all that is left, and comes; within a word that may not end it does not."""
    model = hand_made()
    only_th = {"allow_pattern": "this", "suppress_tokens": [PIECES.index("▁"), PIECES.index("▁th")]}
    [whole] = end(play(model, [1, 4, 5], SAMPLED.changed(**only_th))).sequences
    assert (whole.token_ids, whole.finish_reason) == ((2,), "eos")
    [open_word] = end(play(model, [1, 4], SAMPLED.changed(**only_th))).sequences
    assert [PIECES[i] for i in open_word.token_ids] in (["is", "</s>"], ["i", "s", "</s>"])


def test_a_change_acts_at_its_token_and_is_told_once() -> None:
    controls = Controls(schedule={6: {"forbid_letters": "aeiou"}, 8: {"temperature": 0.9}, 20: {"forbid_letters": ""}})
    events = play(tiny_gpt2(), "The news.", SAMPLED.changed(max_new_tokens=30, eos_token_id=()), controls)
    plain = end(play(tiny_gpt2(), "The news.", SAMPLED.changed(max_new_tokens=30, eos_token_id=()))).sequences[0]
    found = end(events).sequences[0]
    assert found.token_ids[:6] == plain.token_ids[:6]
    model = tiny_gpt2()
    assert not re.search("(?i)[aeiou]", "".join(map(model.piece, found.token_ids[6:20])))
    told = [event.note.text for event in events if isinstance(event, Noted)]
    letters = sum(not re.search("(?i)[aeiouªº]", model.piece(i)) for i in range(256, 299))
    assert len(told) == 1 and re.fullmatch(r"forbid_letters: \d+ of 300 tokens may come where a word begins\.", told[0])
    assert int(told[0].split()[1]) >= letters
    assert [e.at for e in events if isinstance(e, Changed) and e.name == "forbid_letters"] == [6, 20]


def test_a_word_that_is_cut_off_is_told_of() -> None:
    """`th` goes on to `this`, whose two letters are one token each here."""
    settings = SAMPLED.changed(allow_pattern="this", suppress_tokens=[PIECES.index("is")])
    for length, cut in ((1, True), (2, False)):
        events = play(hand_made(), [1, 4], settings.changed(max_new_tokens=length))
        assert end(events).sequences[0].text == "is"[:length]
        codes = [event.note.code for event in events if isinstance(event, Noted)]
        assert codes == ["filters", *(["word-unfinished"] if cut else [])]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ({"forbid_letters": "e, a"}, "forbid_letters e, a: must be letters"),
        ({"allow_letters": "a1"}, "allow_letters a1: must be letters"),
        ({"forbid_pattern": "(a"}, "forbid_pattern (a: "),
        ({"allow_pattern": r"(.)\1"}, "backreferences are not supported"),
        ({"min_word_length": 5, "max_word_length": 4}, "min_word_length 5: more than max_word_length 4"),
        ({"word_list": "/no/such/file"}, "word_list /no/such/file: cannot be read"),
        ({"word_list": "/"}, "word_list /: a folder, no text file"),
        ({"word_list": 3}, "word_list 3: must be the path of a text file, or off"),
    ],
)
def test_what_is_no_filter_is_told_in_a_line(names: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingError) as error:
        Settings(**names)
    assert said in str(error.value) and str(error.value).isprintable()


@pytest.mark.parametrize(
    ("raw", "said"),
    [(b"", "no word in it"), (b"?! --", "no word in it"), (b"a\0b", "binary"), (b"\xff\xfe", "no UTF-8"),
     (b"ab " * 1_400_000, "larger than the 4 MB")],
)  # fmt: skip
def test_a_file_that_is_no_word_list_is_told_in_a_line(raw: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "words").write_bytes(raw)
    with pytest.raises(SettingError) as error:
        Settings(word_list=str(tmp_path / "words"))
    assert said in str(error.value) and "word_list" in str(error.value) and str(error.value).isprintable()


def test_a_word_list_is_recorded_with_its_hash(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_text("An old RIVER, and\nthe king's café.", encoding="utf-8")
    settings = Settings(word_list=str(path))
    assert words_of(settings.word_list) == ("an", "and", "café", "king's", "old", "river", "the")
    assert Settings(**settings.to_dict()) == settings and re.fullmatch(r".*words\.txt#[0-9a-f]{16}", settings.word_list)
    assert PARAMETERS["word_list"].parse(PARAMETERS["word_list"].format(settings.word_list)) == settings.word_list
    words_of.cache_clear()
    path.write_text("another", encoding="utf-8")
    *_, last = play(tiny_gpt2(), "The news.", settings)
    assert isinstance(last, Failed) and "the file has changed since it was set" in last.error


def test_without_the_screen(tmp_path: Path, word_list: str, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(saved(tiny_gpt2(), tmp_path / "model"))
    argv = ["--model_name_or_path", folder, "--prompt", "The news.", "--length", "30", "--p", "1"]
    [text] = main([*argv, "--forbid_letters", "aeiou", "--at", "15", f"word_list={word_list}"])
    assert not re.search("(?i)[aeiou]", text.removeprefix("The news."))
    told = capsys.readouterr().err.splitlines()
    assert [line.split(":")[1].strip() for line in told if "may come" in line] == [
        "forbid_letters", "forbid_letters and word_list",
    ]  # fmt: skip
