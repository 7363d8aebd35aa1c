"""The subcommands of `turnout`, one module each."""
