"""The program of every stack: Pulumi.<stack>.yaml says what runs, and on which tier.

A stack file with `turnout:foundation` makes what stands before the first service.
"""

import pulumi

from turnout.foundation.load import configured_foundation
from turnout.service import Service, configured

foundation = configured_foundation()
if foundation is None:
    config = configured()
    made = Service(config.name, config)
else:
    from turnout.foundation.component import Foundation

    made = Foundation(foundation.name, foundation)
for name, value in made.outputs().items():
    pulumi.export(name, value)
