"""Pages and the service import this library; what is heavy stays in the worker."""

import subprocess
import sys

_PUBLIC = "ingest speech assembly packs samples store errors settings"


def test_the_library_is_light_outside_its_worker():
    code = (
        f"import sys, importlib\n"
        f"for name in {_PUBLIC!r}.split(): importlib.import_module('audio_library.' + name)\n"
        "print([m for m in ('numpy', 'av', 'pydub', 'scipy', 'flask') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )

    assert done.stdout.strip() == "[]"
