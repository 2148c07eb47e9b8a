"""Every generation parameter, declared once, a file a group.

Names are those of transformers' GenerationConfig where it has one; defaults are run_generation's. Panel, command
line, presets, transcript, help and the README's table are projections of the declarations.
"""

from engine.settings.parameter import Parameter
from engine.settings.snapshot import PARAMETERS, Settings, parameter_named

__all__ = ["PARAMETERS", "Parameter", "Settings", "parameter_named"]
