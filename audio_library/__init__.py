"""Sound in, playable sound out; no database, no web, no MQTT. The only place that knows FFmpeg.

What others call, each in its own module:

    ingest      ingest(path, store) → Ingested: any recording to one level clip; edit, outline
    speech      speak(text, language, store) → Ingested; normalise, voices
    assembly    programme_length_ms, preview, share_copy, signature_tune, TUNES
    packs       export_pack, import_pack, read_pack: clips on a USB stick
    samples     guidance clips and emergency messages ready to use
    store       Store: content by hash, whole or not there
    errors      AudioError: a code and one sentence in two languages
    settings    HornClass, Limits, Trim, and the reason for every number

How a recording goes: `ingest` opens the file and `sandbox` starts `worker`, which shuts itself in
(`confine`) before it reads a byte; there `jobs` → `mastering` → `opening`, `reader`, `survey`,
`spool`, `leveling` → `encoder` and, listening to the result, `listening`, `meters`, `waveform`.
Nothing heavy (numpy, FFmpeg, pydub) is imported outside the worker.
"""
