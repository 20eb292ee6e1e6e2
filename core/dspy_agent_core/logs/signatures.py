"""Names for groups of like records: the same in every window, file, engine and process.

An exception's name is of its type, masked message, own frame and causes: of the record alone. A message's is
of its level and its template as it stands when all has been read. Masks are the same everywhere, so two
windows name like messages differently only if a word that looks like no variable was seen with several values
in one of them and not in the other; ``Baseline.before`` finds them all the same.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

VERSION: Final = "1"


def signature(*parts: object) -> str:
    """Return ``<version>:<16 hex digits>`` of ``parts``; the version changes whenever masks or parts do."""
    text = "\x1f".join(map(str, parts))
    return f"{VERSION}:{blake2b(text.encode('utf-8', 'surrogatepass'), digest_size=8).hexdigest()}"
