"""The model folder: its manifest, how it is fetched, and the tools that make one."""
