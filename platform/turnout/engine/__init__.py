"""Pulumi's engine: found on this machine, installed by Pulumi's installer, or built here.

Everything but `install` and `automation` needs the standard library alone: it runs beside the
set-up of the virtual environment, before that environment exists.
"""

from turnout.engine.errors import EngineError
from turnout.engine.find import Engine, Wanted, find, wanted

__all__ = ["Engine", "EngineError", "Wanted", "find", "wanted"]
