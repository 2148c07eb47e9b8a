"""LoRA adapters (Hu et al. 2021): found, read, checked against the model, attached to it, mixed and scaled."""

from engine.models.adapters.attached import Adapters, Mix

__all__ = ["Adapters", "Mix"]
