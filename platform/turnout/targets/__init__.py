"""The tiers: where a workload runs. One module or package each."""
