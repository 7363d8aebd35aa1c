"""Keys, topics, queues, secrets and certificates."""

from __future__ import annotations

from turnout_policies.facts.documents import statements
from turnout_policies.facts.tokens import (
    ACM_CERTIFICATE,
    KMS_KEY,
    KMS_KEY_POLICY,
    QUEUE,
    QUEUE_POLICY,
    SECRET,
    SECRET_POLICY,
    SECRET_ROTATION,
    TOPIC,
    TOPIC_POLICY,
)
from turnout_policies.properties import Properties
from turnout_policies.rule import Context, Finding, Level, Outcomes, Rule, Setting, Severity


def _rotates(key: Properties, _: Context) -> Outcomes:
    # KMS rotates symmetric keys with material of its own only.
    if key.text("customerMasterKeySpec") not in ("", "SYMMETRIC_DEFAULT"):
        return
    if key.text("keyUsage") not in ("", "ENCRYPT_DECRYPT") or key.has("customKeyStoreId"):
        return
    if not key.flag("enableKeyRotation"):
        yield Finding("it keeps the same material for ever", "enableKeyRotation")


def _not_public(holder: Properties, _: Context) -> Outcomes:
    for statement in statements(holder, "policy"):
        if statement.for_everybody:
            yield Finding(f"everybody may {statement.rights}", statement.place)


def _deletion_window(key: Properties, context: Context) -> Outcomes:
    least, days = context.settings["minDays"], key.number("deletionWindowInDays")
    if days is not None and days < least:
        yield Finding(
            f"after a deletion there are {days:g} days to notice, less than {least:g}",
            "deletionWindowInDays",
        )


def _topic_encrypted(topic: Properties, _: Context) -> Outcomes:
    if not topic.has("kmsMasterKeyId"):
        yield Finding("messages lie unencrypted", "kmsMasterKeyId")


def _secret_rotates(secret: Properties, context: Context) -> Outcomes:
    if not context.stack.referrers(secret, "secretId", SECRET_ROTATION):
        yield Finding("nothing replaces it")


def _key_is_strong(certificate: Properties, _: Context) -> Outcomes:
    algorithm = certificate.text("keyAlgorithm")
    if algorithm == "RSA_1024":
        yield Finding("keyAlgorithm is RSA_1024", "keyAlgorithm")


def _renews_itself(certificate: Properties, _: Context) -> Outcomes:
    if certificate.has("certificateBody"):
        yield Finding("it was imported, so people must renew it", "certificateBody")
    elif certificate.text("validationMethod") == "EMAIL":
        yield Finding("it is renewed by answering an e-mail", "validationMethod")


RULES = (
    Rule(
        id="kms-key-rotates",
        title="Keys rotate",
        why="A key that leaked without a trace stops being of use.",
        concern="security",
        severity=Severity.MEDIUM,
        types=(KMS_KEY,),
        check=_rotates,
        elsewhere=("FSBP KMS.4", "cdk-nag KMS5"),
        remediation="enable_key_rotation=True",
    ),
    Rule(
        id="kms-key-not-public",
        title="No key is for everybody",
        why="A key that all accounts may use encrypts nothing.",
        concern="security",
        severity=Severity.CRITICAL,
        types=(KMS_KEY, KMS_KEY_POLICY),
        check=_not_public,
        elsewhere=("FSBP KMS.5",),
        remediation='"Principal": {"AWS": f"arn:aws:iam::{account}:root"}',
    ),
    Rule(
        id="kms-key-deletion-window",
        title="A key's deletion leaves time to notice",
        why="What a deleted key encrypted is gone with it.",
        concern="reliability",
        severity=Severity.MEDIUM,
        level=Level.ADVISORY,
        types=(KMS_KEY,),
        check=_deletion_window,
        elsewhere=("FSBP KMS.3",),
        settings={"minDays": Setting({"type": "integer", "minimum": 7, "maximum": 30}, 7)},
        remediation="deletion_window_in_days=30",
    ),
    Rule(
        id="sns-topic-encrypted",
        title="Topics are encrypted",
        why="Alarms name hosts, addresses and figures that outsiders can use.",
        concern="security",
        severity=Severity.MEDIUM,
        scope="stack",
        types=(TOPIC,),
        check=_topic_encrypted,
        elsewhere=("FSBP SNS.1", "cdk-nag SNSEncryptedKMS"),
        remediation="kms_master_key_id=key.id",
    ),
    Rule(
        id="sns-topic-not-public",
        title="No topic is open to everybody",
        why="Who may publish to the alarm topic decides what is believed; who may subscribe reads "
        "along.",
        concern="security",
        severity=Severity.HIGH,
        types=(TOPIC, TOPIC_POLICY),
        check=_not_public,
        elsewhere=("FSBP SNS.4",),
        remediation='"Condition": {"StringEquals": {"aws:SourceAccount": account}}',
    ),
    Rule(
        id="queue-not-public",
        title="No queue is open to everybody",
        why="Who may write to a queue decides what its workers do; who may read takes the work.",
        concern="security",
        severity=Severity.HIGH,
        types=(QUEUE, QUEUE_POLICY),
        check=_not_public,
        remediation='"Condition": {"ArnEquals": {"aws:SourceArn": topic.arn}}',
    ),
    Rule(
        id="secret-not-public",
        title="No secret is open to everybody",
        why="A secret that every account may read is none.",
        concern="security",
        severity=Severity.CRITICAL,
        types=(SECRET, SECRET_POLICY),
        check=_not_public,
        remediation='"Principal": {"AWS": role.arn}',
    ),
    Rule(
        id="secret-rotates",
        title="Secrets rotate",
        why="A secret that leaked without a trace stops being of use.",
        concern="security",
        severity=Severity.LOW,
        level=Level.ADVISORY,
        scope="stack",
        types=(SECRET,),
        check=_secret_rotates,
        elsewhere=("FSBP SecretsManager.1", "cdk-nag SMG4"),
        remediation='aws.secretsmanager.SecretRotation("keys", secret_id=secret.id, '
        'rotation_lambda_arn=rotate.arn, rotation_rules={"automatically_after_days": 30})',
    ),
    Rule(
        id="certificate-strong-key",
        title="Certificates have keys of 2048 bits or more",
        why="Shorter RSA keys can be broken.",
        concern="security",
        severity=Severity.HIGH,
        types=(ACM_CERTIFICATE,),
        check=_key_is_strong,
        elsewhere=("FSBP ACM.2",),
        remediation='key_algorithm="RSA_2048"',
    ),
    Rule(
        id="certificate-renews-itself",
        title="Certificates renew themselves",
        why="A certificate that people must renew expires on a holiday.",
        concern="reliability",
        severity=Severity.MEDIUM,
        types=(ACM_CERTIFICATE,),
        check=_renews_itself,
        elsewhere=("FSBP ACM.1",),
        remediation='validation_method="DNS"',
    ),
)
