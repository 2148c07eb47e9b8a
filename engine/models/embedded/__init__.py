"""The model that ships with the package, and the script that made it.

Importing this package loads nothing heavy: it only says where the shipped checkpoint lies.
"""

from pathlib import Path

__all__ = ["CHECKPOINT"]

CHECKPOINT: Path = Path(__file__).resolve().parent / "checkpoint"
"""Folder of the shipped checkpoint, in the ordinary transformers layout."""
