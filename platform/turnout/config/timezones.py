"""The IANA time zones, as this machine knows them."""

import difflib
import functools
import zoneinfo
from typing import Final

# Files beside the zones that name no place.
_NO_ZONES: Final = frozenset({"localtime", "Factory"})


def zone_is_known(name: str) -> bool:
    """Whether `name` is a time zone; a machine without tzdata cannot tell, and takes each."""
    if name == "UTC":
        return True
    if name in _NO_ZONES:
        return False
    try:
        zoneinfo.ZoneInfo(name)
    # A part of a zone, such as Asia, is a folder.
    except (zoneinfo.ZoneInfoNotFoundError, OSError, ValueError):
        return not _zones()
    return True


def near_zone(name: str) -> str | None:
    """The time zone that `name` is likely meant to be."""
    same = [zone for zone in _zones() if zone.lower() == name.lower()]
    near = same or difflib.get_close_matches(name, sorted(_zones()), 1)
    return near[0] if near else None


# Asked where a name is wrong, not where the model is loaded: it opens hundreds of files.
@functools.cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones()) - _NO_ZONES
