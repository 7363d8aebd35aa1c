"""What AWS sells: the sizes of Fargate tasks, Lambda functions, EC2 instances and pods.

Pure arithmetic over numbers; units are in the names. Nothing here imports anything of turnout.
"""

import re
from typing import Final, Literal

Architecture = Literal["x86_64", "arm64"]

_GIB: Final = 1024

# CPU units to memory in MiB: AWS, "Amazon ECS task definition parameters for Fargate", task size.
FARGATE_MEMORY_MIB: Final[dict[int, tuple[int, ...]]] = {
    256: (512, 1024, 2048),
    512: tuple(range(1 * _GIB, 4 * _GIB + 1, _GIB)),
    1024: tuple(range(2 * _GIB, 8 * _GIB + 1, _GIB)),
    2048: tuple(range(4 * _GIB, 16 * _GIB + 1, _GIB)),
    4096: tuple(range(8 * _GIB, 30 * _GIB + 1, _GIB)),
    8192: tuple(range(16 * _GIB, 60 * _GIB + 1, 4 * _GIB)),
    16384: tuple(range(32 * _GIB, 120 * _GIB + 1, 8 * _GIB)),
}

# AWS, "Lambda quotas": memory 128 to 10,240 MB in steps of 1; timeout at most 900 s.
LAMBDA_MEMORY_MB: Final = range(128, 10_240 + 1)
LAMBDA_TIMEOUT_SECONDS: Final = range(1, 900 + 1)
# AWS, "Lambda functions as targets": the request body of an ALB's Lambda target is at most 1 MB.
LAMBDA_ALB_BODY_BYTES: Final = 1_000_000
# AWS, "Lambda quotas": a synchronous invocation's payload is at most 6 MB.
LAMBDA_URL_BODY_BYTES: Final = 6_000_000
# AWS, "Lambda quotas": environment variables, all together, measured as JSON.
LAMBDA_ENVIRONMENT_BYTES: Final = 4096
# AWS, "Configure Lambda function memory": one vCPU for each 1,769 MB.
LAMBDA_MB_PER_VCPU: Final = 1_769

# GiB of memory of an instance whose size is `large`, by family letter: AWS, "Instance types".
_LARGE_GIB: Final = {"t": 8.0, "m": 8.0, "c": 4.0, "r": 16.0}
_SIZE_FACTOR: Final = {"nano": 1 / 16, "micro": 1 / 8, "small": 1 / 4, "medium": 1 / 2, "large": 1}
# Amazon EC2, "Instance type naming conventions": family, generation, options each at most once
# (processor, network, disk, …), a variant after a hyphen, size.
_INSTANCE: Final = re.compile(
    r"(?P<family>a|c|d|dl|f|g|gr|h|hpc|i|im|inf|is|m|mac|p|r|t|trn|u|vt|x|z)"
    r"(?P<generation>[1-9]\d?)(?P<options>(?:([abdefginquz])(?!\w*\4))*(?:-[a-z0-9]+)*)"
    r"\.(?P<size>nano|micro|small|medium|large|(?P<times>|[1-9]\d{0,2})xlarge|metal(?:-\d+xl)?)"
)


def fargate_memory_mib(cpu: int) -> tuple[int, ...]:
    """Memory sizes in MiB that Fargate accepts with `cpu` units; empty for no such CPU size."""
    return FARGATE_MEMORY_MIB.get(cpu, ())


def fargate_cpu_for(memory_mib: int) -> tuple[int, ...]:
    """CPU units that Fargate accepts with `memory_mib` MiB of memory."""
    return tuple(cpu for cpu, sizes in FARGATE_MEMORY_MIB.items() if memory_mib in sizes)


def is_instance_type(name: str) -> bool:
    """Whether `name` is shaped as an EC2 instance type, such as `t3.large`."""
    return _INSTANCE.fullmatch(name) is not None


def instance_memory_gib(name: str) -> float | None:
    """GiB of memory of a T, M, C or R instance type; None where its family has no rule here."""
    match = _INSTANCE.fullmatch(name)
    if match is None or match["family"] not in _LARGE_GIB or "metal" in match["size"]:
        return None
    large = _LARGE_GIB[match["family"]]
    if match["size"] in _SIZE_FACTOR:
        return large * _SIZE_FACTOR[match["size"]]
    return large * 2 * int(match["times"] or 1)


def instance_architecture(name: str) -> Architecture:
    """The CPU architecture of an EC2 instance type: Graviton families carry a `g`, and `a1`."""
    match = _INSTANCE.fullmatch(name)
    if match is None:
        raise ValueError(f"{name!r} is not an EC2 instance type")
    graviton = match["options"].startswith("g") or match["family"] in {"a", "tg"}
    return "arm64" if graviton else "x86_64"


_QUANTITY: Final = re.compile(r"(\d+(?:\.\d+)?)(m|Ki|Mi|Gi|k|M|G)?")
_MULTIPLE: Final = {
    None: 1.0,
    "m": 0.001,
    "Ki": 1024.0,
    "Mi": 1024.0**2,
    "Gi": 1024.0**3,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
}


def kubernetes_quantity(text: str) -> float:
    """A Kubernetes quantity as a plain number: `500m` is 0.5, `4Gi` is 4294967296.

    Raises ValueError for anything else.
    """
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a Kubernetes quantity such as 500m, 2 or 4Gi")
    return float(match[1]) * _MULTIPLE[match[2]]
