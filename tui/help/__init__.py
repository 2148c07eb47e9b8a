"""What help says, made from what is declared: the actions, the panes' own keys, the settings. No screen in it."""
