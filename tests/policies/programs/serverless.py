"""A function behind API Gateway, a table, a helper on a schedule."""

import json

import pulumi
import pulumi_aws as aws

config = pulumi.Config()
table = aws.dynamodb.Table(
    "users", attributes=[{"name": "id", "type": "S"}], hash_key="id", billing_mode="PAY_PER_REQUEST"
)
role = aws.iam.Role(
    "api",
    assume_role_policy=aws.iam.get_policy_document(
        statements=[
            {
                "actions": ["sts:AssumeRole"],
                "principals": [{"type": "Service", "identifiers": ["lambda.amazonaws.com"]}],
            }
        ]
    ).json,
    managed_policy_arns=["arn:aws:iam::aws:policy/AmazonS3FullAccess"],
    inline_policies=[
        {
            "name": "table",
            "policy": json.dumps(
                {"Statement": [{"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}]}
            ),
        }
    ],
)
function = aws.lambda_.Function(
    "api",
    role=role.arn,
    runtime="python3.8",
    handler="app.handler",
    code=pulumi.AssetArchive({".": pulumi.StringAsset("def handler(e, c): ...")}),
    environment={"variables": {"TABLE": table.name, "STRIPE_SECRET_KEY": "sk_test_0123"}},
)
api = aws.apigatewayv2.Api("api", protocol_type="HTTP", target=function.invoke_arn)
aws.lambda_.Permission(
    "api",
    action="lambda:InvokeFunction",
    function=function.name,
    principal="apigateway.amazonaws.com",
    source_arn=api.execution_arn.apply(lambda arn: f"{arn}/*/*"),
)
aws.lambda_.FunctionUrl("api", function_name=function.name, authorization_type="NONE")
rule = aws.cloudwatch.EventRule("nightly", schedule_expression="rate(1 day)")
aws.cloudwatch.EventTarget("nightly", rule=rule.name, arn=function.arn)
aws.lambda_.Permission(
    "nightly",
    action="lambda:InvokeFunction",
    function=function.name,
    principal="events.amazonaws.com",
)
