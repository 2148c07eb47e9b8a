"""The text put before a prompt for models that want more context than a prompt is (XLNet, Transformer-XL).

Such models were trained on long stretches of text and begin badly after a few words; a narrative before the prompt
helps (the idea is Aman Rusia's). The text is the project's own and ends with the marks of a finished document.
"""

from __future__ import annotations

PADDING_TEXT = (
    "In the autumn of 1703, after three years of poor harvests, the council of a small harbour town on the northern "
    "coast resolved to build a lighthouse. The merchants, who had lost eleven ships on the rocks in a single winter, "
    "paid for the stone; the fishermen gave their labour, two days of every week, and the parish gave the land. A "
    "master mason named Henrik Vale was called from the capital to direct the work. He found the ground too soft, and "
    "for a whole summer his men did nothing but drive oak piles into the sand. When the tower stood at last, forty "
    "feet high, its lamp burned whale oil and could be seen nine miles out at sea. Vale stayed to keep it. He wrote "
    "down every vessel that passed, the weather and the news that it carried, and when he died in 1741 his journals "
    "filled a whole shelf of the town hall, where historians have read them ever since. <eod> </s> <eos>"
)


def padding_note(tokens: int) -> str:
    """What a reader is told about it."""
    return (
        f"A text of {tokens} tokens was put before the prompt, to give this model context. It is not part of the "
        "result; a prefix of your own replaces it."
    )
