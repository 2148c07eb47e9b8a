"""The parts of the model card that are measured: a projection of the figures kept beside the weights."""

from __future__ import annotations

import re

from engine.models.embedded.card import LIMITS, LIMITS_TITLE, TEXT_TITLE
from engine.models.embedded.measures import Measures
from engine.models.embedded.sample import OPENINGS
from engine.models.embedded.writing import COUNTED_WORDS, TEXTS_PER_OPENING, TOKENS

MEASURED_TITLE = "Measured"
SAMPLES_TITLE = "Samples"
_HEADING = re.compile(r"^## (.*)\n", re.MULTILINE)


def with_measures(card: str, measures: Measures) -> str:
    """The card with its measured sections made anew, wherever they came from, and all else as it was."""
    opening, *rest = _HEADING.split(card)
    sections = dict(zip(rest[::2], rest[1::2], strict=True))
    if LIMITS_TITLE in sections:
        sections[LIMITS_TITLE] = f"\n{LIMITS}\n"
    sections.pop(SAMPLES_TITLE, None)
    sections.pop(MEASURED_TITLE, None)
    titles = list(sections)
    titles.insert(titles.index(TEXT_TITLE) if TEXT_TITLE in titles else len(titles), MEASURED_TITLE)
    sections |= {MEASURED_TITLE: f"\n{_measured(measures)}", SAMPLES_TITLE: f"\n{_samples(measures)}"}
    return opening + "\n\n".join(f"## {title}\n{sections[title].rstrip()}" for title in [*titles, SAMPLES_TITLE]) + "\n"


def likelihood_table(measures: Measures) -> str:
    """How well unseen text is foretold, as a Markdown table."""
    rows = [
        "| unseen text | words | perplexity a word | bits a byte | perplexity a token |",
        "| --- | --- | --- | --- | --- |",
    ]
    for each in sorted(measures.likelihoods, key=lambda each: each.perplexity_per_word):
        rows.append(
            f"| {each.text} | {each.words:,} | {each.perplexity_per_word:,.2f} | {each.bits_per_byte:.3f} "
            f"| {each.perplexity_per_token:.2f} |"
        )
    return "\n".join(rows)


def writing_table(measures: Measures) -> str:
    """What the model's own writing is like, as a Markdown table."""
    rows = [
        "| written at | words looked up | English | different words, pairs, triples in a text | over all texts |",
        "| --- | --- | --- | --- | --- |",
    ]
    for each in measures.writings:
        what = f"temperature {each.temperature}" if each.temperature is not None else "(by people)"
        within, over_all = (" / ".join(f"{share:.3f}" for share in shares) for shares in (each.within, each.over_all))
        rows.append(
            f"| {what} | {sum(each.words):,} | {each.english_share:.1%} | {within} | {over_all} ({each.texts}) |"
        )
    return "\n".join(rows)


def _measured(measures: Measures) -> str:
    speed = measures.speed
    parts = [
        _OF_WHAT,
        likelihood_table(measures),
        _FORETOLD,
        writing_table(measures),
        _WRITTEN + (_PEOPLE if measures.writings[-1].temperature is None else ""),
        f"On one processor thread it is ready {speed.load_seconds:.2f} s after the libraries are, and writes "
        f"{speed.tokens_per_second:.0f} tokens a second\n(in processor time).\n",
    ]
    return "\n\n".join(parts)


_OF_WHAT = """Measured on the file as it is, with its weights taken as float32, by
`python -m engine.models.embedded.measure`; `measures.jsonl` holds the counts."""

_FORETOLD = """Stories and prose are documents kept from training, chapters of the same books among them; the plain
sentences, `plain_sentences.txt`, were written for this measure. Each passage of up to about 1,200
characters stands by itself. Words are what white space parts. A perplexity a token depends on the
tokenizer: the other two figures can be compared between models."""

_WRITTEN = f"""Each of the {len(OPENINGS)} openings below was carried on {TEXTS_PER_OPENING} times by up to {TOKENS}
tokens, opening i with seed i. English is what pyspellchecker's list of American words has. Words with
a capital are not looked up, for they may be names; a possessive ending is taken off, and words joined
by a hyphen are looked up one by one. Repetition is the share of words, pairs and triples that are
different from each other, in the first {COUNTED_WORDS} words of texts that have as many (in brackets, of how many
texts): 1 is no repetition."""

_PEOPLE = " The last line is of the held-out prose."


def _samples(measures: Measures) -> str:
    parts = [
        "Temperature 0.8, opening i with seed i (from 0), up to 120 tokens: first tries, none left out, unedited.\n"
    ]
    for sample in measures.samples:
        parts.append("\n".join(f"> {line}" for line in f"**{sample.opening}**{sample.text}".split("\n")) + "\n")
    return "\n".join(parts)
