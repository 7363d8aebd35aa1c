"""What resources mean, told once for all rules: addresses, permissions, metrics, documents."""
