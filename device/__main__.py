"""`python -m device` runs the node."""

import sys

from device.agent import main

sys.exit(main())
