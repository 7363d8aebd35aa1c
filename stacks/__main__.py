"""The program of every stack: Pulumi.<stack>.yaml says what runs, and on which tier."""

import pulumi

from turnout.service import Service, configured

config = configured()
service = Service(config.name, config)
for name, value in service.outputs().items():
    pulumi.export(name, value)
