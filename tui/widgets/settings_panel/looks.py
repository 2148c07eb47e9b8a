"""How the settings panel looks; its rows and its help have looks of their own."""

PANEL_CSS = """
SettingsPanel {
    layers: rows editor;
    border: round $border-blurred;
    border-title-color: $primary;
    border-subtitle-color: $text-muted;
    &:focus-within { border: round $border; }
    SafeInput, SafeInput:focus {
        border: none;
        height: 1;
        padding: 0;
        display: none;
        background: $foreground 12%;
        background-tint: $foreground 0%;
        &.-open { display: block; }
    }
    #settings-search { padding: 0 2; }
}
"""
