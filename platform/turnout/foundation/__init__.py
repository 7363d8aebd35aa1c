"""What a team has once, before its first service: registry, model bucket, roles for CI."""
