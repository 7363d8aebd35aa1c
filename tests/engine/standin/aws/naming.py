"""Certificates and DNS."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tests.engine.standin.aws.support import entries, known, refuse, uuid
from tests.engine.standin.cloud import Record
from tests.engine.standin.kinds import Call, Inputs, Kind
from tests.engine.standin.shapes import Problem

CERTIFICATE = "aws:acm/certificate:Certificate"
VALIDATION = "aws:acm/certificateValidation:CertificateValidation"
ZONE = "aws:route53/zone:Zone"
RECORD = "aws:route53/record:Record"
LISTENER = "aws:lb/listener:Listener"
_DOMAIN = re.compile(r"(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")


def _check_certificate(inputs: Inputs) -> Iterator[Problem]:
    for domain in [inputs.get("domainName"), *entries(inputs.get("subjectAlternativeNames"))]:
        if known(domain) and not _DOMAIN.fullmatch(domain):
            yield Problem("domainName", f"InvalidDomainValidationOptionsException: {domain!r}")


def _certificate_outputs(inputs: Inputs, call: Call, arn: str) -> dict[str, Any]:
    options = []
    for domain in [inputs["domainName"], *entries(inputs.get("subjectAlternativeNames"))]:
        token = call.cloud.next_hex(16) + call.cloud.next_hex(16)
        options.append({
            "domainName": domain,
            "resourceRecordName": f"_{token}.{domain.removeprefix('*.')}.",
            "resourceRecordType": "CNAME",
            "resourceRecordValue": f"_{token}.jkddzztszm.acm-validations.aws.",
        })  # fmt: skip
    return {"arn": arn, "domainValidationOptions": options, "status": "PENDING_VALIDATION"}


def _admit_validation(inputs: Inputs, call: Call, _own: Record | None) -> None:
    """The certificate is issued once its records are there; waiting for less never ends."""
    certificate = call.cloud.find(CERTIFICATE, call.region, arn=inputs["certificateArn"])
    if certificate is None:
        refuse(f"ResourceNotFoundException: no certificate {inputs['certificateArn']}")
        return
    present = {str(r.inputs["name"]).rstrip(".") for r in call.cloud.of(RECORD)}
    for option in certificate.outputs["domainValidationOptions"]:
        if option["resourceRecordName"].rstrip(".") not in present:
            refuse(f"timeout while waiting for ISSUED: no record {option['resourceRecordName']}")
    certificate.outputs["status"] = "ISSUED"


def _check_record(inputs: Inputs) -> Iterator[Problem]:
    alias = entries(inputs.get("aliases"))
    if bool(alias) == (inputs.get("records") is not None):
        yield Problem("records", "a record has records or an alias")
    if inputs.get("records") is not None and inputs.get("ttl") is None:
        yield Problem("ttl", "records need a ttl")
    if alias and inputs.get("ttl") is not None:
        yield Problem("ttl", "an alias takes no ttl")


def _admit_record(inputs: Inputs, call: Call, own: Record | None) -> None:
    names = ("zoneId", "name", "type", "setIdentifier")
    for other in call.cloud.of(RECORD):
        same = all(other.inputs.get(name) == inputs.get(name) for name in names)
        if other is not own and same and not inputs.get("allowOverwrite"):
            refuse(f"InvalidChangeBatch: {inputs['type']} {inputs['name']} already exists")


def _record_id(inputs: Inputs, _call: Call) -> str:
    return f"{inputs['zoneId']}_{inputs['name']}_{inputs['type']}"


def _zone_outputs(_inputs: Inputs, _call: Call, identity: str) -> dict[str, Any]:
    return {
        "arn": f"arn:aws:route53:::hostedzone/{identity}",
        "zoneId": identity,
        "nameServers": [f"ns-{index}.awsdns-00.com" for index in range(1, 5)],
    }


KINDS = (
    Kind(CERTIFICATE, lambda _inputs, call: call.arn("acm", f"certificate/{uuid(call)}"),
         _certificate_outputs, _check_certificate, held_by=(LISTENER,)),
    Kind(VALIDATION, lambda inputs, _call: inputs["certificateArn"], admit=_admit_validation),
    Kind(ZONE, lambda _inputs, call: f"Z{call.cloud.next_hex(16).upper()}", _zone_outputs,
         held_by=(RECORD,), regional=False),
    Kind(RECORD, _record_id, lambda inputs, _c, _own: {"fqdn": str(inputs["name"]).rstrip(".")},
         _check_record, _admit_record, regional=False),
)  # fmt: skip
