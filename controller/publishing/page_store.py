"""Where the day pages of current heads are kept as files, for the seeder to read.

A page can be built again from the rows, and is at every start. So it is written without waiting
for the disk (a province has forty thousand of them): what a power cut damages is found by its hash
and written anew.
"""

import hashlib
import os
import tempfile
from pathlib import Path

from audio_library.store import Store


class PageStore(Store):
    """A store whose pages are whole or absent in the eyes of every reader, but not yet synced."""

    def put_bytes(self, data: bytes) -> str:
        sha256 = hashlib.sha256(data).hexdigest()
        if self._used_again(sha256, len(data)):
            return sha256
        target = self.path(sha256)
        target.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            dir=self.root, prefix=".", suffix=".part", delete=False
        ) as part:
            part.write(data)
            os.fchmod(part.fileno(), 0o640)  # pages of another user write sticks from it
        Path(part.name).replace(target)
        return sha256
