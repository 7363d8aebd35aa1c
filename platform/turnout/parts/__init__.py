"""What the tiers share: each part a component with typed arguments and outputs."""
