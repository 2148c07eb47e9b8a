"""What a person can do, a file a subject; the keys are in `tui/actions.py`."""
