"""A recording becomes a clip, or a new version of one: check, ingest, then write.

The rights and the fields are checked before the slow work; the work itself runs outside any
transaction, so that nobody waits for the database meanwhile; what is written is checked again.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from audio_library.ingest import Ingested, ingest
from audio_library.ingest import edit as cut_again
from audio_library.settings import Trim
from audio_library.speech import speak as speak_text
from audio_library.store import Store
from controller import changes, commands
from controller.accounts import audit
from controller.accounts.access import Action, Actor, require, visible_areas
from controller.calendar.wall import as_utc, zone
from controller.commands import CommandKind
from controller.database import reading, transaction
from controller.errors import BadInput, NotFound
from controller.languages import checked_language
from controller.models import Approval, Clip, ClipVersion
from controller.planning import rechecks
from controller.territory import areas

# What ingest says while it works: the share done, from 0 to 1.
Progress = Callable[[float], None]
# Asked ten times a second: whether to stop and store nothing.
Cancelled = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class UploadInput:
    """A file and what it is about; times are aware or local text without offset.

    `area_id` None: the actor's own area. `replaces`: a clip's id, to which a version is added.
    """

    path: Path
    filename: str
    title: str
    topic: int
    language: str
    app: str | None = None
    audience: str | None = None
    area_id: str | None = None
    translation_of: str | None = None
    valid_from: datetime | str | None = None
    valid_until: datetime | str | None = None
    replaces: str | None = None


@dataclass(frozen=True, slots=True)
class _About:
    """What a clip and its version are about, checked."""

    title: str
    topic: int
    language: str
    app: str | None
    audience: str | None
    area_id: str | None
    translation_of: str | None
    valid_from: datetime | None
    valid_until: datetime | None
    replaces: str | None
    source_name: str


def upload(
    engine: Engine,
    store: Store,
    actor: Actor,
    data: UploadInput,
    now: datetime,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> tuple[Clip, ClipVersion]:
    """Raises BadInput, NotFound, NotAllowed before the work, AudioError from it as it comes."""
    with reading(engine) as session:
        about = _checked(session, actor, data, now)
    made = ingest(data.path, store, progress=progress, cancelled=cancelled)
    with transaction(engine) as session:
        about = _checked(session, actor, data, now)
        return _written(session, actor, about, made, now)


def speak(
    engine: Engine,
    store: Store,
    actor: Actor,
    text: str,
    language: str,
    voice: str | None,
    title: str,
    topic: int,
    area_id: str | None,
    now: datetime,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> tuple[Clip, ClipVersion]:
    """A clip from typed text. Raises as `upload` does."""
    data = UploadInput(Path(), "", title, topic, language, area_id=area_id)
    with reading(engine) as session:
        _checked(session, actor, data, now)
    made = speak_text(text, language, store, voice=voice, progress=progress, cancelled=cancelled)
    with transaction(engine) as session:
        about = _checked(session, actor, data, now)
        return _written(session, actor, about, made, now)


def edit(
    engine: Engine,
    store: Store,
    actor: Actor,
    clip_id: str,
    trim: Trim | None,
    now: datetime,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> tuple[Clip, ClipVersion]:
    """A new version, cut anew out of the newest one's original; `trim` None undoes every cut.

    The original stays as it came, so every edit starts from it. Raises as `upload` does.
    """
    with reading(engine) as session:
        newest = _newest(session, actor, clip_id, now)
        source, text = newest.source_sha256, newest.text or ""
    made = cut_again(source, store, trim=trim, progress=progress, cancelled=cancelled)
    made = replace(made, text=text)
    chosen = {"start_ms": made.start_ms, "end_ms": made.end_ms} if trim else None
    with transaction(engine) as session:
        newest = _newest(session, actor, clip_id, now)
        about = _checked(session, actor, _same(newest), now)
        return _written(session, actor, about, made, now, chosen)


def _newest(session: Session, actor: Actor, clip_id: str, now: datetime) -> ClipVersion:
    clip = session.get(Clip, clip_id)
    if clip is None:
        raise NotFound("clip")
    _checked(session, actor, _same(clip.versions[-1]), now)
    return clip.versions[-1]


def _same(version: ClipVersion) -> UploadInput:
    """A further version of the same clip, about the same thing."""
    clip = version.clip
    return UploadInput(
        Path(),
        version.source_name,
        clip.title,
        clip.topic,
        clip.language,
        app=clip.app,
        audience=clip.audience,
        valid_from=version.valid_from,
        valid_until=version.valid_until,
        replaces=clip.id,
    )


def written(
    session: Session, actor: Actor, data: UploadInput, made: Ingested, now: datetime
) -> tuple[Clip, ClipVersion]:
    """A clip of a recording that is in the store already. Raises as `upload` does before work."""
    return _written(session, actor, _checked(session, actor, data, now), made, now)


def _checked(session: Session, actor: Actor, data: UploadInput, now: datetime) -> _About:
    replaced = session.get(Clip, data.replaces) if data.replaces else None
    if data.replaces and replaced is None:
        raise NotFound("clip")
    area_id = replaced.area_id if replaced else data.area_id or actor.area_id
    require(session, actor, Action.UPLOAD, area_id)
    title = data.title.strip() or (replaced.title if replaced else "")
    if not title:
        raise _bad("title", "Hãy ghi tên tệp âm thanh.", "Give the clip a title.")
    if not 1 <= data.topic <= 6:
        raise _bad(
            "topic",
            "Hãy chọn một trong sáu lĩnh vực nội dung.",
            "Choose one of the six content areas.",
        )
    checked_language(data.language, "language")
    if replaced and replaced.language != data.language:
        raise _bad(
            "language",
            "Bản mới phải cùng ngôn ngữ với bản cũ; bản dịch là một tệp khác.",
            "A new version speaks the same language as the old; a translation is another clip.",
        )
    _known_original(session, actor, data)
    valid_from, valid_until = _validity(session, area_id, data, now)
    return _About(
        title=title,
        topic=data.topic,
        language=data.language,
        app=data.app or None,
        audience=data.audience or None,
        area_id=area_id,
        translation_of=data.translation_of or None,
        valid_from=valid_from,
        valid_until=valid_until,
        replaces=data.replaces,
        source_name=Path(data.filename).name,
    )


def _known_original(session: Session, actor: Actor, data: UploadInput) -> None:
    if not data.translation_of:
        return
    original = session.get(Clip, data.translation_of)
    # It will sound wherever the original does: who may not replace that may not translate it.
    own = visible_areas(session, actor)
    if original is not None and own is not None and original.area_id not in own:
        original = None
    if original is None or original.translation_of or original.language == data.language:
        raise _bad(
            "translation_of",
            "Bản gốc không dùng được: hãy chọn một tệp gốc bằng ngôn ngữ khác.",
            "The original cannot be used: choose an original clip in another language.",
        )


def _validity(
    session: Session, area_id: str | None, data: UploadInput, now: datetime
) -> tuple[datetime | None, datetime | None]:
    name = areas.effective(session, area_id).timezone if area_id else areas.DEFAULT_TIMEZONE
    tz = zone(name)
    begins = as_utc(data.valid_from, tz, "valid_from") if data.valid_from else None
    ends = as_utc(data.valid_until, tz, "valid_until") if data.valid_until else None
    if ends is not None and (ends <= now or (begins is not None and ends <= begins)):
        raise _bad(
            "valid_until",
            "Ngày hết hạn phải sau hôm nay và sau ngày bắt đầu.",
            "The clip must expire in the future and after it becomes valid.",
        )
    return begins, ends


def _written(
    session: Session,
    actor: Actor,
    about: _About,
    made: Ingested,
    now: datetime,
    edit: dict[str, Any] | None = None,
) -> tuple[Clip, ClipVersion]:
    clip = session.get(Clip, about.replaces) if about.replaces else None
    if clip is None:
        clip = _new_clip(session, actor, about, now)
    needs_approval = (
        not about.area_id or areas.effective(session, about.area_id).policy.approval.clip
    )
    last = select(func.max(ClipVersion.version)).where(ClipVersion.clip_id == clip.id)
    version = ClipVersion(
        clip_id=clip.id,
        version=(session.scalar(last) or 0) + 1,
        sha256=made.sha256,
        bytes=made.bytes,
        duration_ms=made.duration_ms,
        loudness_lufs=made.loudness_lufs,
        true_peak_dbtp=made.true_peak_dbtp,
        warnings=[asdict(warning) for warning in made.warnings],
        peaks=list(made.peaks),
        source_sha256=made.source_sha256,
        source_name=about.source_name,
        source_format=made.source_format,
        text=made.text or None,
        edit=edit,
        status=Approval.PENDING if needs_approval else Approval.APPROVED,
        valid_from=about.valid_from,
        valid_until=about.valid_until,
        created_by=actor.user_id,
        created_at=now,
        decided_at=None if needs_approval else now,
    )
    session.add(version)
    session.flush()
    session.expire(clip, ["versions"])
    detail = {"version": version.version, "sha256": version.sha256, "file": about.source_name}
    audit.record(session, actor, "clip.upload", "clip", clip.id, clip.area_id, now, detail)
    changes.note(session, "clip", clip.id, clip.area_id, now)
    if not needs_approval:
        touched = rechecks.expand_for_clip(session, clip.id, now)
        body = {"clip_id": clip.id, "area_ids": touched}
        commands.ask(session, CommandKind.CLIP_CHANGED, body, actor, now)
    return clip, version


def _new_clip(session: Session, actor: Actor, about: _About, now: datetime) -> Clip:
    clip = Clip(
        title=about.title,
        topic=about.topic,
        language=about.language,
        app=about.app,
        audience=about.audience,
        area_id=about.area_id,
        translation_of=about.translation_of,
        created_by=actor.user_id,
        created_at=now,
    )
    session.add(clip)
    session.flush()
    return clip


def _bad(field: str, vi: str, en: str) -> BadInput:
    return BadInput({field: (vi, en)})
