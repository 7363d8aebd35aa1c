"""`python -m turnout.engine`: makes sure of an engine.

Run by the system's Python it comes before the packages and works beside their set-up: then it only
builds, where nothing else will do. Run by the environment's Python it does all that can be done.
"""

import importlib.util
import sys
import time

from turnout.engine.build import build, find_go
from turnout.engine.errors import EngineError
from turnout.engine.find import Engine, Wanted, find, wanted
from turnout.engine.install import is_reachable
from turnout.engine.obtain import obtain
from turnout.engine.screen import Screen


def main() -> int:
    """The exit code: 0 where the rest can go on, with an engine or without."""
    try:
        want = wanted()
        early = importlib.util.find_spec("pulumi") is None
        with Screen("engine") as screen:
            (_begin if early else _finish)(want, screen)
    except EngineError as error:
        print(f"engine: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def _begin(want: Wanted, screen: Screen) -> None:
    if want is Wanted.NONE or find(want) is not None:
        return
    if want is Wanted.ANY and is_reachable():
        return
    try:
        find_go()
        screen.say(
            "no pulumi here, and get.pulumi.com is out of reach: building it from Pulumi's "
            "Go modules, once"
        )
        started = time.monotonic()
        engine = build(screen.report)
        screen.say(f"pulumi {engine.version} built in {time.monotonic() - started:.0f} s")
    except EngineError:
        # Who needs the engine tries again, and says why there is none.
        return


def _finish(want: Wanted, screen: Screen) -> None:
    if want is Wanted.NONE:
        screen.say("none, as ENGINE asks")
        return
    engine: Engine | None = find(want)
    if engine is None:
        try:
            engine = obtain(want, screen)
        except EngineError as error:
            screen.say(f"none: {error}")
            return
    screen.say(f"pulumi {engine.version}, {engine.origin}: {engine.path}")


if __name__ == "__main__":
    sys.exit(main())
