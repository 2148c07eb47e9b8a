"""The record: what happened, written as it happens."""
