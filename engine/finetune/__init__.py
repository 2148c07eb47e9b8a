"""Fine-tuning a model on a text file, whole or by a LoRA, as events. Importing this package loads nothing heavy."""
