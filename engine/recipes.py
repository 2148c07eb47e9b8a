"""Prompts to start from, with blanks to fill. A model of texts goes on where a text of that kind has begun.

A blank stands between ‹ and ›, with a word of what belongs there. The texts are the project's own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_BLANK = re.compile(r"‹[^‹›\n]{1,60}›")


@dataclass(frozen=True, slots=True)
class Recipe:
    """A prompt with blanks. `families` are those that it is for; empty for all but those that want their own."""

    name: str
    help: str
    text: str
    families: tuple[str, ...] = ()


def recipes_for(family: str) -> list[Recipe]:
    """Those for a model of this family, its own first."""
    own = [recipe for recipe in RECIPES if family in recipe.families]
    return own + [recipe for recipe in RECIPES if not recipe.families]


def blanks(text: str) -> list[tuple[int, int]]:
    """Where the blanks of a text lie, as (start, end) in characters."""
    return [match.span() for match in _BLANK.finditer(text)]


def next_blank(text: str, after: int) -> tuple[int, int] | None:
    """The first blank that begins at `after` or behind it, else the first of all; None where there is none."""
    found = blanks(text)
    return next((span for span in found if span[0] >= after), found[0] if found else None)


RECIPES: tuple[Recipe, ...] = (
    Recipe(
        "Story",
        "an opening scene, which the model tells on",
        "‹Name› had lived in ‹a place› for thirty years and had never once opened the ‹thing› in the cellar. "
        "Tonight, with the rain coming in under the door,",
    ),
    Recipe(
        "Fairy tale",
        "once upon a time",
        "Once upon a time, in ‹a land› where ‹something strange› was as common as bread, there lived a ‹kind of "
        "person› who wanted nothing but ‹a wish›. One morning",
    ),
    Recipe(
        "Dialogue",
        "two people who talk, a line each",
        "‹Anna› and ‹Tom› are waiting for ‹the last bus›.\n\n‹Anna›: You said you would tell me about ‹a secret›.\n"
        "‹Tom›: I said I might.\n‹Anna›: So tell me.\n‹Tom›:",
    ),
    Recipe(
        "Interview",
        "questions and answers",
        "Interview with ‹Name›, ‹a profession›\n\nQ: How did you come to ‹the work›?\nA: By accident, like most. "
        "I was looking for something else.\n\nQ: What do people get wrong about it?\nA:",
    ),
    Recipe(
        "Play",
        "a scene with stage directions",
        "SCENE ‹one›. ‹A kitchen, early morning.› ‹ELSA› sits at the table. ‹PAUL› enters with ‹a suitcase›.\n\n"
        "‹PAUL› (without looking up): I thought you would be asleep.\n\n‹ELSA›:",
    ),
    Recipe(
        "Review",
        "a customer or a critic on a thing, with stars",
        "‹Name of the thing›, ‹kind of thing›\nRating: ‹2› out of 5 stars\n\nI really wanted to like this. "
        "The first thing that I noticed was",
    ),
    Recipe(
        "Film review",
        "a critic writes",
        "In “‹Title›”, the new film by ‹a director›, ‹a person› discovers that ‹something is not what it seems›. "
        "The first hour is",
    ),
    Recipe(
        "List",
        "numbered, with one point there already",
        "Ten things that everyone should know about ‹a subject›:\n\n1. ‹The first thing›\n2.",
    ),
    Recipe(
        "Recipe",
        "what goes in, and what to do with it",
        "‹Name of a dish› (serves ‹four›)\n\nIngredients:\n- ‹200 g of something›\n- salt and pepper\n-",
    ),
    Recipe(
        "Poem",
        "a title and a first line",
        "‹Title›\nby ‹a poet›\n\n‹The first line of it,›\n",
    ),
    Recipe(
        "Letter",
        "a letter that has something to say",
        "‹Place›, ‹3 March›\n\nDear ‹Name›,\n\nI have put off writing this letter for ‹three weeks›, and you will "
        "understand why. ",
    ),
    Recipe(
        "News report",
        "the first paragraph says what happened",
        "‹PLACE›, ‹Monday› – ‹Something happened› on ‹Sunday night›, leaving residents ‹without something› for the "
        "second time this year. “‹A sentence that someone said›,” said ‹Name›, who",
    ),
    Recipe(
        "Encyclopedia",
        "an article that explains a thing",
        "‹A thing› is a ‹kind of thing› found in ‹a place›. It was first described in ‹1864› by ‹Name›, who",
    ),
    Recipe(
        "Diary",
        "a day, told by who lived it",
        "‹14 November›\n\nThe ‹expedition› has been here for ‹nine› days now. This morning ‹Name› found",
    ),
    Recipe(
        "Speech",
        "someone speaks to many",
        "Friends, colleagues, people of ‹a town›: ‹ten years› ago we were told that ‹a thing› could not be done. Today",
    ),
    Recipe(
        "Few-shot classification",
        "examples of a text and its label, then yours",
        "Review: The soup was cold and the waiter colder.\nMood: negative\n\n"
        "Review: We laughed the whole evening and stayed for dessert.\nMood: positive\n\n"
        "Review: It has a door, a window and a bed.\nMood: neutral\n\nReview: ‹your text›\nMood:",
    ),
    Recipe(
        "Few-shot translation",
        "pairs in two languages, then yours",
        "English: Where is the station?\n‹French›: ‹Où est la gare ?›\n\nEnglish: I would like some bread.\n"
        "‹French›: ‹Je voudrais du pain.›\n\nEnglish: ‹your sentence›\n‹French›:",
    ),
    Recipe(
        "Few-shot question",
        "questions with short answers, then yours",
        "Q: What do bees make?\nA: Honey.\n\nQ: How many legs does a spider have?\nA: Eight.\n\nQ: ‹your question›\nA:",
    ),
    Recipe(
        "Few-shot pattern",
        "left and right of an arrow: the model goes on with the rule",
        "‹cold› -> ‹hot›\n‹small› -> ‹large›\n‹early› -> ‹late›\n‹your word› ->",
    ),
    Recipe(
        "Summary",
        "a text, and the sentence that asks for less of it",
        "‹A text of some lines›\n\nIn one sentence:",
    ),
    Recipe(
        "Code",
        "a function by its name and what it says of itself",
        'def ‹name›(‹arguments›):\n    """‹What it gives back.›"""\n',
    ),
    Recipe("CTRL: a book", "the code Books, then prose", "Books ‹The first words of a chapter›", ("ctrl",)),
    Recipe("CTRL: a review", "the code Reviews with a rating", "Reviews Rating: ‹4.0› \n\n‹The thing›", ("ctrl",)),
    Recipe("CTRL: an article", "the code Wikipedia and a title", "Wikipedia ‹Title› \n\n", ("ctrl",)),
    Recipe(
        "CTRL: a question",
        "the code Questions, then Q and A",
        "Questions Q: ‹What do you want to know?› \n A:",
        ("ctrl",),
    ),
    Recipe("CTRL: horror", "the code Horror", "Horror ‹I first heard it on a Tuesday›", ("ctrl",)),
    Recipe(
        "CTRL: by an address",
        "the code Links: a page that its address tells of",
        "Links https://www.‹example›.com/‹2019›/‹05›/‹a-title-in-words›/",
        ("ctrl",),
    ),
    Recipe(
        "CTRL: a translation",
        "the code Translation: a sentence, and the language that it comes in",
        "Translation English : ‹We release a new model.› ; ‹German› :",
        ("ctrl",),
    ),
)
