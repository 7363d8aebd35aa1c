"""An engine for a machine that has none: Pulumi's installer, or else a build."""

from turnout.engine.build import build
from turnout.engine.errors import EngineError
from turnout.engine.find import Engine, Wanted
from turnout.engine.install import install, is_reachable
from turnout.engine.screen import Screen


def obtain(want: Wanted, screen: Screen) -> Engine:
    """Installs or builds an engine, saying how far it is. Raises EngineError with both reasons."""
    reason = "ENGINE=built asks for a build"
    if want is Wanted.ANY:
        if is_reachable():
            screen.say("no pulumi here: installing it with Pulumi's installer")
            try:
                return install()
            except EngineError as error:
                reason = str(error)
        else:
            reason = "get.pulumi.com is out of reach"
    screen.say(f"{reason}: building pulumi from its Go modules, once")
    try:
        return build(screen.report)
    except EngineError as error:
        raise EngineError(f"{reason}; {error}") from None
