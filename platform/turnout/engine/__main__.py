"""`python -m turnout.engine`: makes sure of an engine while the environment is being set up.

What needs the environment, Pulumi's installer, is left to `turnout up`.
"""

import sys
import time

from turnout.engine.build import build, find_go
from turnout.engine.errors import EngineError
from turnout.engine.find import Wanted, find, wanted
from turnout.engine.install import is_reachable
from turnout.engine.screen import Screen


def main() -> int:
    """Ends with 0 where the rest can go on, with or without an engine."""
    try:
        want = wanted()
    except EngineError as error:
        print(f"engine: {error}", file=sys.stderr)
        return 2
    if want is Wanted.NONE or find(want) is not None:
        return 0
    if want is Wanted.ANY and is_reachable():
        return 0
    return _build()


def _build() -> int:
    with Screen("engine") as screen:
        try:
            find_go()
            screen.say(
                "no pulumi here, and get.pulumi.com is out of reach: building it from Pulumi's "
                "Go modules, once"
            )
            started = time.monotonic()
            engine = build(screen.report)
        except EngineError as error:
            screen.say(str(error))
            return 0
        screen.say(f"pulumi {engine.version} built in {time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
