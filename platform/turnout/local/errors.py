"""What can go wrong with a server on this machine."""


class LocalServerError(Exception):
    """The server cannot be started, reached or stopped; the text says why and what to do."""
