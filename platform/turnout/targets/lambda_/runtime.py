"""What the container is told on Lambda, beside what every tier tells it. Pure."""

from typing import Final

from turnout.config.target import Lambda

# The alias that requests go to; a version behind it is published by each change.
ALIAS: Final = "live"
# AWS, "CreateFunction", EphemeralStorage: 512 MB to 10,240 MB; more than 512 is paid for.
LEAST_STORAGE_MB: Final = 512
# A model in int8 and its copy while it is fetched.
FETCHED_MODEL_STORAGE_MB: Final = 4096


def ephemeral_storage_mb(*, fetches_model: bool) -> int:
    """Size of `/tmp` in MB: room for a model that is fetched, or the least."""
    return FETCHED_MODEL_STORAGE_MB if fetches_model else LEAST_STORAGE_MB


def environment(port: int, *, fetches_model: bool) -> dict[str, str]:
    """The Web Adapter's settings, and those of the server that only Lambda needs."""
    return {
        "AWS_LWA_PORT": str(port),
        "AWS_LWA_READINESS_CHECK_PATH": "/readyz",
        # The adapter would take any answer under 500 for ready, a 404 as well.
        "AWS_LWA_READINESS_CHECK_HEALTHY_STATUS": "200-399",
        # Lambda gives the start ten seconds; a fetch that takes longer goes on in the first call.
        "AWS_LWA_ASYNC_INIT": "true" if fetches_model else "false",
        "TURNOUT_CACHE_DIR": "/tmp/turnout",  # noqa: S108 - Lambda's one writable folder
        # Lambda sends one request at a time, and has no /dev/shm that workers could share.
        "TURNOUT_WORKERS": "1",
        # No load balancer knows the copy, and Lambda kills two seconds after SIGTERM.
        "TURNOUT_DRAIN_WAIT": "0",
        "TURNOUT_DRAIN_TIMEOUT": "1",
    }


def longest_request(tier: Lambda) -> float:
    """Seconds from which on a call is close to being cut off by the timeout."""
    return 0.9 * tier.timeout
