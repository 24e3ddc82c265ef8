"""`python -m metrana` is the `metrana` command."""

import sys

from metrana.cli import main

sys.exit(main())
