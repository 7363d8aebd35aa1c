"""AVX-512 is used where every CPU has all of it, whoever made them."""

from __future__ import annotations

from pathlib import Path

import pytest

from turnout_inference.instructions import NEEDED, VARIABLE, use_widest


def chosen(folder: Path, *cpus: str, **environment: str) -> str | None:
    cpuinfo = folder / "cpuinfo"
    cpuinfo.write_text("\n\n".join(f"processor\t: 0\nflags\t\t: {flags}" for flags in cpus))
    use_widest(environment, cpuinfo)
    return environment.get(VARIABLE)


ALL = "fpu avx2 " + " ".join(sorted(NEEDED))


def test_it_is_used_where_the_cpus_have_it(tmp_path: Path) -> None:
    assert chosen(tmp_path, ALL, ALL) == "AVX512"


@pytest.mark.parametrize("flag", sorted(NEEDED))
def test_a_cpu_that_lacks_a_part_of_it_leaves_the_choice_to_the_library(
    tmp_path: Path, flag: str
) -> None:
    assert chosen(tmp_path, ALL, ALL.replace(f" {flag}", "")) is None


def test_what_the_user_has_set_stays(tmp_path: Path) -> None:
    assert chosen(tmp_path, ALL, **{VARIABLE: "GENERIC"}) == "GENERIC"


def test_where_flags_are_not_told_the_choice_is_left_to_the_library(tmp_path: Path) -> None:
    assert chosen(tmp_path) is None
    environment: dict[str, str] = {}
    use_widest(environment, tmp_path / "missing")
    assert environment == {}
