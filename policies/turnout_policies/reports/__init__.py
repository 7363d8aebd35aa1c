"""A report in the forms that people and machines read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from turnout_policies.reports import github, json_document, sarif, text
from turnout_policies.reports.places import Locate
from turnout_policies.runner import Report

Format = Literal["text", "json", "sarif", "github"]

FORMATS: Mapping[Format, Callable[[Report, Locate], str]] = {
    "text": text.render,
    "json": json_document.render,
    "sarif": sarif.render,
    "github": github.render,
}
