"""The JSON API (`/api/v1`): blueprints that the pages' application mounts.

`app.extensions["loalang"]` must hold the `Services`. Calls are in one module a subject; `binding`
ties them to addresses, `problems` words their refusals, `auth` reads tokens.
"""

from typing import Any

from flask import Flask

from controller.api import (
    airings,
    alerts,
    areas,
    care,
    clips,
    coverage,
    emergencies,
    front,
    nodes,
    packs,
    playbacks,
    schedules,
    sticks,
    users,
)
from controller.api.spec import document

# Without cookies there is no request to forge: the pages' CSRF check leaves these alone.
BLUEPRINTS: tuple[Any, ...] = (
    areas.blueprint,
    nodes.blueprint,
    alerts.blueprint,
    care.blueprint,
    clips.blueprint,
    packs.blueprint,
    schedules.blueprint,
    sticks.blueprint,
    airings.blueprint,
    playbacks.blueprint,
    emergencies.blueprint,
    users.blueprint,
    coverage.blueprint,
    front.blueprint,
    front.beyond,
)


def register(app: Flask) -> None:
    """Mount every call, and the OpenAPI document made from them."""
    registry = document(app)
    for blueprint in BLUEPRINTS[:-1]:
        registry.register_blueprint(blueprint)
    app.register_blueprint(front.beyond)
    front.serve_document(app, registry)
