"""The pages' languages: Vietnamese stands in the code, English in `i18n/en`.

Sentences of the controller come in both languages already; `sentence` picks one.
"""

from typing import Any, Protocol

from flask import Flask, g, request, session
from flask_babel import Babel, get_locale
from flask_babel import gettext as babel_gettext
from flask_babel import ngettext as babel_ngettext

from controller.settings import Settings

LANGUAGES = ("vi", "en")


class Spoken(Protocol):
    """Anything that carries one sentence in both languages."""

    @property
    def vi(self) -> str: ...
    @property
    def en(self) -> str: ...


def install(app: Flask, settings: Settings) -> None:
    """Chosen in this order: the visitor, the user's account, the browser, the site."""

    def chosen() -> str:
        if session.get("language") in LANGUAGES:
            return str(session["language"])
        actor = g.get("actor")
        if actor is not None and actor.language in LANGUAGES:
            return str(actor.language)
        return request.accept_languages.best_match(LANGUAGES) or settings.language

    app.config["BABEL_DEFAULT_LOCALE"] = "vi"
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = "i18n"
    Babel(app, locale_selector=chosen)
    app.jinja_env.globals["language"] = language
    app.jinja_env.filters["sentence"] = sentence


def _(text: str, **values: Any) -> str:
    """The text in the request's language, with `%(name)s` filled in."""
    return str(babel_gettext(text, **values))


def ngettext(one: str, many: str, num: int) -> str:
    """The same for a count, `%(num)d`; Vietnamese has one form, English two."""
    return str(babel_ngettext(one, many, num))


def language() -> str:
    """The language of this request: vi or en."""
    return "en" if str(get_locale() or "vi").startswith("en") else "vi"


def sentence(spoken: Spoken | dict[str, str] | tuple[str, str]) -> str:
    """The sentence in the request's language, of an error, a warning or a pair."""
    if isinstance(spoken, tuple):
        return spoken[1] if language() == "en" else spoken[0]
    if isinstance(spoken, dict):
        return spoken[language()]
    return spoken.en if language() == "en" else spoken.vi
