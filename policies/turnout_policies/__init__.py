"""Policy packs for services on AWS: security groups, alarms and the rest."""
