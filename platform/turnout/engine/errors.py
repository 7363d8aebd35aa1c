"""What stands between this machine and an engine."""


class EngineError(Exception):
    """No engine can be had this way; the text says why and what would help."""
