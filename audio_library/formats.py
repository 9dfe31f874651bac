"""What the reader of foreign files may open. Anything not named here is refused unread.

The lists go to FFmpeg itself (`format_whitelist`, `codec_whitelist`), so that playlists (HLS,
concat), scripts, images and network formats are never even probed, whatever a file is called.
"""

DEMUXERS = (
    "aac",
    "ac3",
    "aiff",
    "amr",
    "amrnb",
    "amrwb",
    "asf",
    "au",
    "avi",
    "caf",
    "eac3",
    "flac",
    "flv",
    "loas",
    "matroska,webm",
    "mov,mp4,m4a,3gp,3g2,mj2",
    "mp3",
    "mpeg",
    "mpegts",
    "ogg",
    "w64",
    "wav",
)

_PCM = (
    "pcm_alaw pcm_f32be pcm_f32le pcm_f64be pcm_f64le pcm_mulaw pcm_s16be pcm_s16le pcm_s24be "
    "pcm_s24le pcm_s32be pcm_s32le pcm_s8 pcm_u8 adpcm_ima_wav adpcm_ms adpcm_ima_qt gsm gsm_ms "
    "adpcm_yamaha g722 g726"
)
_CODED = (
    "aac aac_latm ac3 alac amrnb amrwb eac3 flac mp1float mp2float mp3float mp2 mp3 "
    "libopus opus libspeex speex vorbis wmalossless wmapro wmav1 wmav2 wmavoice"
)
# Decoder names as FFmpeg knows them; `aac_fixed` and the like are left out on purpose.
DECODERS = tuple(f"{_PCM} {_CODED}".split())
