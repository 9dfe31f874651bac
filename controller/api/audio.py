"""The sound of a clip over HTTP: the delivery file itself, or a copy to share; ranges work."""

from flask import Response, send_file

from audio_library.assembly import share_copy
from audio_library.store import Store

_AN_HOUR_S = 3600
_SHARED = {"mp3": "audio/mpeg", "m4a": "audio/mp4"}


def sound_of(store: Store, sha256: str, wanted: str | None, title: str) -> Response:
    """The file, or as `wanted` ("mp3", "m4a") a copy to share, made once. Raises AudioError."""
    if wanted in _SHARED:
        path, kind, name = share_copy(sha256, store, wanted), _SHARED[wanted], f"{title}.{wanted}"
    else:
        # Opening checks the hash: what is heard here is what nodes hold.
        store.open(sha256).close()
        path, kind, name = store.path(sha256), "audio/ogg", f"{title}.ogg"
    answer = send_file(
        path,
        mimetype=kind,
        download_name=name,
        conditional=True,
        etag=f"{sha256}-{kind[6:]}",
        max_age=_AN_HOUR_S,
    )
    answer.cache_control.public = False
    answer.cache_control.private = True
    return answer
