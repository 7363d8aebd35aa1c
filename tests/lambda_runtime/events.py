"""Events as an Application Load Balancer and a function URL send them, and their answers.

Shapes: AWS Lambda Developer Guide, "Process Application Load Balancer requests with Lambda"
and "Invoking Lambda function URLs" (payload format 2.0).
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

GROUP = "arn:aws:elasticloadbalancing:ap-northeast-2:123456789012:targetgroup/turnout/0123456789"
HEADERS = {
    "accept": "*/*",
    "content-type": "application/json",
    "host": "api.example.com",
    "x-amzn-trace-id": "Root=1-5c34e93e-4dea0086f9763ac0667b115a",
    "x-forwarded-for": "198.51.100.7",
    "x-forwarded-port": "443",
    "x-forwarded-proto": "https",
}


def load_balancer(
    path: str,
    body: object = None,
    *,
    method: str | None = None,
    headers: dict[str, str] | None = None,
    multi_value: bool = False,
    binary: bool = False,
) -> dict[str, Any]:
    """An event of a target group; multi_value is the group's attribute of that name."""
    sent = {**HEADERS, **(headers or {})}
    text, encoded = _encoded(body, binary)
    event: dict[str, Any] = {
        "requestContext": {"elb": {"targetGroupArn": GROUP}},
        "httpMethod": method or ("GET" if body is None else "POST"),
        "path": path,
        "body": text,
        "isBase64Encoded": encoded,
    }
    if multi_value:
        event["multiValueHeaders"] = {name: [value] for name, value in sent.items()}
        event["multiValueQueryStringParameters"] = {}
    else:
        event["headers"] = sent
        event["queryStringParameters"] = {}
    return event


def function_url(
    path: str,
    body: object = None,
    *,
    headers: dict[str, str] | None = None,
    binary: bool = False,
) -> dict[str, Any]:
    """An event of a function URL."""
    text, encoded = _encoded(body, binary)
    http = {
        "method": "GET" if body is None else "POST",
        "path": path,
        "protocol": "HTTP/1.1",
        "sourceIp": "198.51.100.7",
        "userAgent": "test",
    }
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {**HEADERS, **(headers or {})},
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "abcdefghij",
            "domainName": "abcdefghij.lambda-url.ap-northeast-2.on.aws",
            "domainPrefix": "abcdefghij",
            "http": http,
            "requestId": "6a1b3c5d-0000-4000-8000-000000000000",
            "routeKey": "$default",
            "stage": "$default",
            "time": "12/Mar/2026:19:03:58 +0000",
            "timeEpoch": 1773342238000,
        },
        "body": text,
        "isBase64Encoded": encoded,
    }


@dataclass(frozen=True)
class HttpAnswer:
    """What the load balancer or the function URL makes of a function's result."""

    status: int
    headers: dict[str, str]
    body: bytes

    @classmethod
    def of(cls, result: dict[str, Any]) -> HttpAnswer:
        body = result["body"] or ""
        many = result.get("multiValueHeaders") or {}
        return cls(
            result["statusCode"],
            {**(result.get("headers") or {}), **{name: values[0] for name, values in many.items()}},
            base64.b64decode(body) if result["isBase64Encoded"] else body.encode(),
        )

    def json(self) -> Any:
        return json.loads(self.body)


def _encoded(body: object, binary: bool) -> tuple[str | None, bool]:
    if body is None:
        return None, False
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    return (base64.b64encode(text.encode()).decode(), True) if binary else (text, False)
