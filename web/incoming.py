"""The request class: large uploads wait on the data disk, which on a small box memory is not."""

import tempfile
from typing import IO, cast

from flask import Request, current_app

from controller.services import Services

_IN_MEMORY_BYTES = 500_000


class Incoming(Request):
    """As Flask's, but a big file goes to the data folder instead of the system's temporary one."""

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        folder = cast(Services, current_app.extensions["loalang"]).settings.temporary_dir
        folder.mkdir(parents=True, exist_ok=True)
        # Closed, and thereby removed, with the request's other files.
        return cast(
            "IO[bytes]",
            tempfile.SpooledTemporaryFile(
                max_size=_IN_MEMORY_BYTES, dir=str(folder), prefix="page-"
            ),
        )
