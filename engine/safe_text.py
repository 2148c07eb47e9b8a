"""The one way for untrusted text to the terminal.

Model output, prompts, file names and error texts may hold escape sequences (GPT-2's token 215 is ESC), carriage
returns or bidirectional overrides, which would let them draw a false screen, set the clipboard or the title. Here
such characters become visible signs. What is stored (transcripts, JSON) keeps the raw text.
"""

from __future__ import annotations

_PICTURES = {code: chr(0x2400 + code) for code in range(0x20)} | {0x7F: "␡"}
_C1 = {code: f"<{code:02X}>" for code in range(0x80, 0xA0)}
# Characters that reorder or hide what stands beside them: bidirectional controls, line and paragraph separators,
# zero-width space and no-break, tags, and the lone surrogates that no terminal can encode.
_NAMED = {
    0x00AD: "<SHY>",
    0x061C: "<ALM>",
    0x180E: "<MVS>",
    0x200B: "<ZWSP>",
    0x200E: "<LRM>",
    0x200F: "<RLM>",
    0x2028: "<LS>",
    0x2029: "<PS>",
    0x202A: "<LRE>",
    0x202B: "<RLE>",
    0x202C: "<PDF>",
    0x202D: "<LRO>",
    0x202E: "<RLO>",
    0x2060: "<WJ>",
    0x2066: "<LRI>",
    0x2067: "<RLI>",
    0x2068: "<FSI>",
    0x2069: "<PDI>",
    0xFEFF: "<BOM>",
}
_TAGS = {code: f"<{code:X}>" for code in (*range(0xE0000, 0xE0080), *range(0xFFF9, 0xFFFC))}
_SURROGATES = {code: f"<{code:X}>" for code in range(0xD800, 0xE000)}
_TABLE = _PICTURES | _C1 | _NAMED | _TAGS | _SURROGATES
_BLOCK_TABLE = {code: sign for code, sign in _TABLE.items() if code not in (0x09, 0x0A)}
# In an editor every sign of more than one character is a single one, and a tab is the editor's own affair.
_CELL_TABLE = {code: sign if len(sign) == 1 else "␦" for code, sign in _TABLE.items() if code != 0x09}


def safe_text(text: str) -> str:
    """`text` on one line, with nothing in it that a terminal would obey; newline and tab become pictures too."""
    return text.translate(_TABLE)


def safe_block(text: str) -> str:
    """As `safe_text`, but newlines stay and a tab becomes four spaces: for text that is shown over several lines."""
    return text.translate(_BLOCK_TABLE).replace("\t", "    ")


def safe_cells(text: str) -> str:
    """As `safe_text`, but one sign for one character, so that places in the text stay the same: for editors."""
    return text.translate(_CELL_TABLE)
