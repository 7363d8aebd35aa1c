"""What a machine is told at its first boot: cloud-init's own YAML. Pure."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

import yaml

from turnout.sizing import Architecture

# Amazon EC2, "Run commands when you launch an EC2 instance with user data input": 16 KB, before
# base64.
MOST_BYTES: Final = 16 * 1024
HOOK: Final = "drain"
MEMORY_METRIC: Final = "mem_used_percent"
AGENT_NAMESPACE: Final = "CWAgent"
_DEB: Final[dict[Architecture, str]] = {"x86_64": "amd64", "arm64": "arm64"}


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Values of a deployment, all of them known: text that goes into files of the machine."""

    container: str
    image: str
    ecr_registry: str
    """The registry to log in to; empty for an image that needs no login."""
    ecr_region: str
    model_uri: str
    """s3:// folder that is copied to the machine; empty where there is none."""
    environment: Mapping[str, str]
    """The server's settings, TURNOUT_… all of them."""
    port: int
    stop_seconds: int
    log_group: str
    region: str
    dns_suffix: str
    architecture: Architecture
    group: str
    """The auto scaling group's name."""
    target_group: str
    """The ARN of the target group that the machines serve in."""


def user_data(machine: Machine) -> str:
    """The cloud-config document. Raises ValueError where EC2 would not take it for its size."""
    text = "#cloud-config\n" + yaml.dump(
        cloud_config(machine), Dumper=_Readable, sort_keys=False, allow_unicode=True, width=1000
    )
    size = len(text.encode())
    if size > MOST_BYTES:
        raise ValueError(
            f"turnout:service.settings: the machine's user data has {size} bytes, EC2 takes "
            f"{MOST_BYTES}; set fewer or shorter settings"
        )
    return text


def cloud_config(machine: Machine) -> dict[str, Any]:
    """The document as data."""

    def file(path: str, content: str, permissions: str) -> dict[str, str]:
        return {"path": path, "owner": "root:root", "permissions": permissions, "content": content}

    return {
        # Ubuntu's mirrors are plain HTTP, which the machine's security group does not let out.
        "package_update": False,
        "write_files": [
            file("/etc/turnout/machine.env", machine_env(machine), "0600"),
            file(
                "/etc/turnout/cloudwatch-agent.json",
                json.dumps(agent_config(machine.log_group), indent=1, sort_keys=True) + "\n",
                "0644",
            ),
            file("/opt/turnout/start", script("start"), "0755"),
            file("/opt/turnout/drain", script("drain"), "0755"),
            file("/etc/systemd/system/turnout-drain.service", _DRAIN_UNIT, "0644"),
        ],
        "runcmd": [["/opt/turnout/start"]],
    }


def script(name: str) -> str:
    """One of the machine's own scripts: `start` or `drain`."""
    return (resources.files(__package__) / "machine" / name).read_text(encoding="utf-8")


def machine_env(machine: Machine) -> str:
    """Shell assignments that the scripts read, quoted."""
    values = {
        "CONTAINER": machine.container,
        "IMAGE": machine.image,
        "ECR_REGISTRY": machine.ecr_registry,
        "ECR_REGION": machine.ecr_region,
        "MODEL_URI": machine.model_uri,
        "PORT": str(machine.port),
        "STOP_SECONDS": str(machine.stop_seconds),
        "LOG_GROUP": machine.log_group,
        "REGION": machine.region,
        "DNS_SUFFIX": machine.dns_suffix,
        "DEB_ARCHITECTURE": _DEB[machine.architecture],
        "GROUP": machine.group,
        "TARGET_GROUP": machine.target_group,
        "HOOK": HOOK,
        **dict(sorted(machine.environment.items())),
    }
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items())


def agent_config(log_group: str) -> dict[str, Any]:
    """The CloudWatch agent's: memory and disk a group, and the log of the machine's first boot."""
    return {
        "agent": {"metrics_collection_interval": 60, "run_as_user": "root"},
        "metrics": {
            "namespace": AGENT_NAMESPACE,
            "append_dimensions": {"AutoScalingGroupName": "${aws:AutoScalingGroupName}"},
            "aggregation_dimensions": [["AutoScalingGroupName"]],
            "metrics_collected": {
                "mem": {"measurement": [MEMORY_METRIC]},
                "disk": {"measurement": ["used_percent"], "resources": ["/"]},
            },
        },
        "logs": {
            "logs_collected": {
                "files": {
                    "collect_list": [
                        {
                            "file_path": "/var/log/cloud-init-output.log",
                            "log_group_name": log_group,
                            "log_stream_name": "ec2/boot/{instance_id}",
                        }
                    ]
                }
            }
        },
    }


_DRAIN_UNIT: Final = """\
[Unit]
Description=Let the container finish before the machine goes
After=docker.service network-online.target
Wants=network-online.target

[Service]
ExecStart=/opt/turnout/drain
Restart=on-failure
RestartSec=5

[Install]
WantedBy=multi-user.target
"""


class _Readable(yaml.SafeDumper):
    """Writes text of several lines as such."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Readable.add_representer(str, _text)
