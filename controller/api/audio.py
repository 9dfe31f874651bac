"""The sound of a clip over HTTP: the delivery file itself, or an MP3 to share; ranges work."""

from flask import Response, send_file

from audio_library.assembly import share_copy
from audio_library.store import Store

_AN_HOUR_S = 3600


def sound_of(store: Store, sha256: str, wanted: str | None, title: str) -> Response:
    """The answer with the file. `wanted` "mp3" makes a copy to share, once. Raises AudioError."""
    if wanted == "mp3":
        path, kind, name = share_copy(sha256, store, "mp3"), "audio/mpeg", f"{title}.mp3"
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
