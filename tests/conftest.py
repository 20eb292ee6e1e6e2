"""What all tests share."""

from __future__ import annotations

import signal

# Started by nohup, the programs under test would inherit that hangups are ignored.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
