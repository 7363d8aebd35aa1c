"""The one error of this package: a model that must not be served."""

from __future__ import annotations


class ModelRefused(Exception):  # noqa: N818 - it is a verdict, and reads as one
    """A model folder or URI that cannot be served as it is.

    place: the file, field or URI at fault, without credentials or query strings.
    problem: what is wrong there, with the offending value.
    fix: what the reader can do about it.
    """

    def __init__(self, place: str, problem: str, fix: str) -> None:
        super().__init__(place, problem, fix)
        self.place = place
        self.problem = problem
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.place}: {self.problem}; {self.fix}"
