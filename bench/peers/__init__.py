"""Other servers of the same weights, to be measured beside ours."""
