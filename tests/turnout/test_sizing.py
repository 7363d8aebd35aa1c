"""What AWS sells, as arithmetic."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout import sizing

CPU = st.sampled_from(sorted(sizing.FARGATE_MEMORY_MIB))


@given(CPU)
def test_every_fargate_cpu_has_memory_sizes_in_rising_order(cpu: int) -> None:
    sizes = sizing.fargate_memory_mib(cpu)
    assert sizes
    assert list(sizes) == sorted(set(sizes))


@given(CPU, st.integers(0, 130_000))
def test_the_two_fargate_tables_agree(cpu: int, memory: int) -> None:
    assert (memory in sizing.fargate_memory_mib(cpu)) == (cpu in sizing.fargate_cpu_for(memory))


@pytest.mark.parametrize(
    ("cpu", "least", "most", "count"),
    [
        (256, 512, 2048, 3),
        (512, 1024, 4096, 4),
        (1024, 2048, 8192, 7),
        (2048, 4096, 16384, 13),
        (4096, 8192, 30720, 23),
        (8192, 16384, 61440, 12),
        (16384, 32768, 122880, 12),
    ],
)
def test_fargate_sizes_are_those_of_the_documentation(
    cpu: int, least: int, most: int, count: int
) -> None:
    sizes = sizing.fargate_memory_mib(cpu)
    assert (sizes[0], sizes[-1], len(sizes)) == (least, most, count)


def test_a_cpu_that_fargate_does_not_sell_has_no_memory() -> None:
    assert sizing.fargate_memory_mib(3000) == ()


@pytest.mark.parametrize(
    ("name", "gib"),
    [
        ("t3.medium", 4),
        ("t3.large", 8),
        ("c5.xlarge", 8),
        ("m7g.2xlarge", 32),
        ("r6i.24xlarge", 768),
        ("t4g.nano", 0.5),
        ("p4d.24xlarge", None),
        ("c6i.metal", None),
        ("no-type", None),
    ],
)
def test_memory_of_an_instance_type_follows_its_family(name: str, gib: float | None) -> None:
    assert sizing.instance_memory_gib(name) == gib


@pytest.mark.parametrize("name", ["t3.large", "c7gn.xlarge", "m5.metal", "m7i-flex.large"])
def test_instance_types_are_known_by_their_form(name: str) -> None:
    assert sizing.is_instance_type(name)


@pytest.mark.parametrize("name", ["", "t3", "large", "T3.large", "t3.huge", "t3.large "])
def test_what_has_another_form_is_no_instance_type(name: str) -> None:
    assert not sizing.is_instance_type(name)


@pytest.mark.parametrize(
    ("name", "architecture"),
    [
        ("t3.large", "x86_64"),
        ("t4g.large", "arm64"),
        ("c7gn.xlarge", "arm64"),
        ("a1.large", "arm64"),
        ("m6i.large", "x86_64"),
        ("g5.xlarge", "x86_64"),
        ("g5g.xlarge", "arm64"),
        ("r8g.large", "arm64"),
        ("m7i-flex.large", "x86_64"),
    ],
)
def test_architecture_of_an_instance_type_is_in_its_name(name: str, architecture: str) -> None:
    assert sizing.instance_architecture(name) == architecture


def test_no_instance_type_no_architecture() -> None:
    with pytest.raises(ValueError, match="'large' is not an EC2 instance type"):
        sizing.instance_architecture("large")


@pytest.mark.parametrize(
    ("text", "number"),
    [("500m", 0.5), ("2", 2), ("1.5", 1.5), ("4Gi", 4 * 1024**3), ("512Mi", 512 * 1024**2)],
)
def test_a_kubernetes_quantity_is_a_number(text: str, number: float) -> None:
    assert sizing.kubernetes_quantity(text) == number


@pytest.mark.parametrize("text", ["", "two", "4 Gi", "4GB", "-1", "1e3"])
def test_other_text_is_no_quantity(text: str) -> None:
    with pytest.raises(ValueError, match="is not a Kubernetes quantity"):
        sizing.kubernetes_quantity(text)


@given(st.integers(1, 10_000))
def test_a_thousand_millicores_are_a_core(cores: int) -> None:
    assert sizing.kubernetes_quantity(f"{cores * 1000}m") == pytest.approx(cores)
