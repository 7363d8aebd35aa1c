"""Ending what may not end: each part in a thread of its own, all within one bound."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping


def end_within(seconds: float, parts: Mapping[str, Callable[[], object]]) -> list[str]:
    """Call all at once; the names of those that had not returned after `seconds`.

    They go on in daemon threads, which end with the process.
    """
    bound = time.monotonic() + seconds
    threads = {
        name: threading.Thread(target=end, name=f"end-{name}", daemon=True)
        for name, end in parts.items()
    }
    for thread in threads.values():
        thread.start()
    for thread in threads.values():
        thread.join(max(0.0, bound - time.monotonic()))
    return [name for name, thread in threads.items() if thread.is_alive()]
