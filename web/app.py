"""The pages' application: one blueprint a page, the JSON API beside them, both over one database.

Start here: `create_app` says what every request goes through, in order: size limits, who is signed
in, the form's token, the page, and the headers that keep a browser from being used against us.
"""

import os
from collections.abc import Callable
from datetime import datetime

from flask import Flask

from controller import api
from controller.services import open_services
from controller.settings import Settings, load
from web import (
    account,
    alerting,
    approvals,
    assets,
    backup,
    broadcast,
    care,
    claiming,
    clip_editor,
    compressed,
    copying,
    emergency,
    errors,
    filters,
    forms,
    headers,
    i18n,
    language,
    library,
    limits,
    listening,
    live,
    log,
    login,
    nodes,
    packs,
    reports,
    schedules,
    sessions,
    shell,
    sticks,
    today,
    troubles,
    trust,
    units,
    users,
    village,
    week,
    words,
    working,
)
from web import settings as settings_page
from web.incoming import Incoming

PAGES = (
    login,
    trust,
    account,
    language,
    today,
    week,
    copying,
    broadcast,
    schedules,
    library,
    clip_editor,
    listening,
    working,
    packs,
    approvals,
    nodes,
    care,
    claiming,
    sticks,
    log,
    village,
    reports,
    users,
    settings_page,
    units,
    alerting,
    backup,
    emergency,
    live,
)


def create_app(
    settings: Settings | None = None, clock: Callable[[], datetime] | None = None
) -> Flask:
    """The WSGI application. `settings` None: those of the environment; `clock`: for tests."""
    settings = settings or load(os.environ)
    app = Flask("web", static_folder=None)
    app.request_class = Incoming
    app.extensions["loalang"] = open_services(settings, clock)
    sessions.install(app, settings)
    i18n.install(app, settings)
    assets.install(app)
    compressed.install(app)
    headers.install(app, settings)
    filters.install(app)
    words.install(app)
    troubles.install(app)
    shell.install(app)
    errors.install(app)
    for page in PAGES:
        app.register_blueprint(page.bp)
    live.install(app)
    working.install(app)
    limits.install(app)
    login.install(app)
    account.install(app)
    alerting.install(app)
    backup.install(app)
    emergency.install(app)
    api.register(app)
    forms.install(app, settings)
    return app
