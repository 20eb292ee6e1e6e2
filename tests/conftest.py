"""What all tests share."""

from __future__ import annotations

import signal

from hypothesis import settings

# How long an example takes says nothing on a busy machine.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

# Started by nohup, the programs under test would inherit that hangups are ignored.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
