"""All rules, in the order of the catalogue: one module an AWS service or a thing that is judged."""

from turnout_policies.rule import Rule
from turnout_policies.rules import (
    alarms,
    autoscaling,
    balanced_services,
    buckets,
    ecs,
    eks,
    firewalls,
    functions,
    identities,
    instances,
    keys,
    kubernetes,
    load_balancers,
    logs,
    networks,
    repositories,
    security_groups,
    service_alarms,
)

ALL: tuple[Rule, ...] = (
    *security_groups.RULES,
    *networks.RULES,
    *load_balancers.RULES,
    *firewalls.RULES,
    *balanced_services.RULES,
    *instances.RULES,
    *autoscaling.RULES,
    *ecs.RULES,
    *eks.RULES,
    *kubernetes.RULES,
    *functions.RULES,
    *service_alarms.RULES,
    *alarms.RULES,
    *logs.RULES,
    *buckets.RULES,
    *repositories.RULES,
    *identities.RULES,
    *keys.RULES,
)
