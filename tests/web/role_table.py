"""Every page and API call × role, inside and outside: the one table of who may do what.

Columns: E editor, A approver, T technician, H village head (of this village), D administrator,
V viewer; N the head of the village next door; O anybody of another commune; ? nobody signed in.
    +  let in           -  refused: the role is too small        .  404, as if it did not exist
    o  let in, and reads nothing of this commune                 ?  sent to the sign-in page (401)
A made-up id must be answered exactly as an id of another area: nobody learns that it exists.
`test_roles.py` fails for a route that is not here.
"""

from typing import Any

from tests.web.village import PASSWORD

FILE = "(a file)"

TABLE = """
GET    /                                                      + + + + + +  o o ?
GET    /today/live                                            + + + + + +  o o ?
GET    /week/                                                 + + + + + +  o o ?
GET    /week/copy/                                            + + - - + -  - o ?
POST   /week/copy/                                            + + - - + -  - o ?
GET    /week/move/{airing}                                    + + + + + +  . . ?
POST   /week/move/{airing}                                    - + - - + -  . . ?
POST   /week/leave-out/{airing}                               - + - - + -  . . ?
GET    /broadcasts/new                                        + + - - + -  - o ?
POST   /broadcasts/new                                        + + - - + -  - . ?
POST   /broadcasts/check                                      + + - - + -  - o ?
GET    /broadcasts/day                                        + + + + + +  o o ?
GET    /listen/schedule/{schedule}                            + + + + + +  . . ?
GET    /listen/programme?clips={clip}                         + + - - + -  - . ?
GET    /schedules/                                            + + + + + +  o o ?
GET    /schedules/{schedule}                                  + + + + + +  . . ?
POST   /schedules/{pending}/approve                           - + - - + -  . . ?
POST   /schedules/{pending}/reject                            - + - - + -  . . ?
POST   /schedules/{schedule}/pause                            + + - - + -  . . ?
POST   /schedules/{schedule}/resume                           + + - - + -  . . ?
POST   /schedules/{schedule}/delete                           + + - - + -  . . ?
GET    /clips/                                                + + + + + +  o o ?
GET    /clips/new                                             + + - - + -  - o ?
POST   /clips/new                                             + + - - + -  - . ?
GET    /clips/speak                                           + + - - + -  - o ?
POST   /clips/speak                                           + + - - + -  - . ?
POST   /clips/speak/listen                                    + + - - + -  - o ?
GET    /clips/speak/listen.ogg                                . . . . . .  . . ?
GET    /clips/{clip}/edit                                     + + - - + -  . . ?
POST   /clips/{clip}/edit                                     + + - - + -  . . ?
GET    /clips/{clip}/original                                 + + - - + -  . . ?
GET    /clips/{clip}                                          + + + + + +  . . ?
GET    /clips/{clip}/sound                                    + + + + + +  . . ?
POST   /clips/{clip}/ready                                    - + - - + -  . . ?
POST   /clips/{clip}/ordinary                                 - + - - + -  . . ?
POST   /clips/{clip}/approve                                  - + - - + -  . . ?
POST   /clips/{clip}/reject                                   - + - - + -  . . ?
POST   /clips/{clip}/withdraw                                 - + - - + -  . . ?
POST   /clips/{clip}/ready                                    - + - - + -  . . ?
POST   /clips/{clip}/ordinary                                 - + - - + -  . . ?
GET    /clips/packs/                                          + + - - + -  - o ?
POST   /clips/packs/export                                    + + - - + -  - . ?
POST   /clips/packs/import                                    + + - - + -  - . ?
GET    /clips/working/abc                                     + + - - + -  - o ?
POST   /clips/working/abc/stop                                + + - - + -  - o ?
GET    /approvals/                                            - + - - + -  - o ?
GET    /approvals/live                                        - + - - + -  - o ?
GET    /emergency/                                            - + - - + -  - o ?
POST   /emergency/                                            - + - - + -  - . ?
GET    /emergency/outlook                                     - + - - + -  - o ?
GET    /emergency/{emergency}                                 + + + + + +  . . ?
GET    /emergency/{emergency}/live                            + + + + + +  . . ?
POST   /emergency/{emergency}/confirm                         - + - - + -  . . ?
POST   /emergency/{emergency}/cancel                          - + - - + -  . . ?
POST   /emergency/stop                                        + + - - + -  - . ?
GET    /nodes/                                                + + + + + +  o o ?
GET    /nodes/live                                            + + + + + +  o o ?
GET    /nodes/new                                             - - + - + -  - o ?
POST   /nodes/new                                             - - + - + -  - . ?
GET    /nodes/{node}                                          + + + + + +  . . ?
GET    /nodes/{node}/live                                     + + + + + +  . . ?
POST   /nodes/{node}/edit                                     - - + - + -  . . ?
GET    /nodes/{node}/sheet                                    + + + + + +  . . ?
POST   /nodes/{node}/orders                                   - - + - + -  . . ?
POST   /nodes/{node}/card                                     - - + - + -  . . ?
POST   /nodes/{node}/notes                                    - - + - + -  . . ?
POST   /nodes/{node}/zones                                    - - + - + -  . . ?
POST   /nodes/{node}/shut-out                                 - - + - + -  . . ?
POST   /nodes/{node}/bind                                     - - . - . -  . . ?
POST   /nodes/{node}/claim-code                               - - + - + -  . . ?
GET    /devices/                                              - - + - + -  - o ?
GET    /devices/?code=482913057662                            - - + - + -  - o ?
POST   /devices/bind                                          - - . - . -  - . ?
GET    /devices/none/label                                    - - . - . -  - . ?
GET    /sticks/                                               - - + - + -  - o ?
POST   /sticks/out                                            - - + - + -  - . ?
POST   /sticks/back                                           - - + - + -  - o ?
GET    /log/                                                  + + + + + +  o o ?
GET    /log/live                                              + + + + + +  o o ?
GET    /log/log.csv                                           + + + + + +  o o ?
GET    /log/log.xlsx                                          + + + + + +  + + ?
GET    /log/{morning}/{node}                                  + + + + + +  . . ?
POST   /log/catch-up/{morning}                                + + - . + -  . . ?
GET    /village/                                              + + + + + +  o o ?
GET    /village/?area={area}                                  + + + + + +  . . ?
GET    /village/live?area={area}                              + + + + + +  . . ?
POST   /village/feedback                                      + + - + + -  . . ?
POST   /village/mute                                          + + - + + -  . . ?
POST   /village/fault                                         + + - + + -  . . ?
GET    /reports/                                              + + + + + +  o o ?
GET    /reports/?area={area}                                  + + + + + +  . . ?
GET    /reports/logbook                                       + + + + + +  o o ?
GET    /reports/logbook?area={area}                           + + + + + +  . . ?
GET    /reports/month                                         + + + + + +  o o ?
GET    /reports/month?area={area}                             + + + + + +  . . ?
GET    /reports/coverage.xlsx                                 + + + + + +  + + ?
GET    /users/                                                - - - - + -  - o ?
GET    /users/new                                             - - - - + -  - o ?
POST   /users/new                                             - - - - + -  - . ?
GET    /users/{user}                                          - - - - + -  - . ?
POST   /users/{user}                                          - - - - + -  . . ?
POST   /users/{user}/lock                                     - - - - + -  . . ?
POST   /users/{user}/unlock                                   - - - - + -  . . ?
POST   /users/{user}/factor                                   - - - . . -  . . ?
POST   /users/{user}/link                                     - - - - + -  . . ?
GET    /settings/                                             - - - - + -  - o ?
POST   /settings/areas                                        - - - - + -  - . ?
GET    /settings/areas/{area}                                 - - - - + -  . . ?
POST   /settings/areas/{area}                                 - - - - + -  . . ?
POST   /settings/areas/{area}/policy                          - - - - + -  . . ?
GET    /settings/alerts/                                      - - + - + -  - o ?
POST   /settings/alerts/                                      - - + - + -  . . ?
POST   /settings/alerts/{alert}/test                          - - - - + -  . . ?
POST   /settings/alerts/{alert}/remove                        - - - - + -  . . ?
POST   /settings/backups/                                     - - - - - -  - - ?
POST   /settings/backups/loalang-20261122-000000.tar          - - - - - -  - - ?
POST   /settings/factor                                        - - - - - -  - - ?
POST   /settings/earshot                                       - - - - - -  - - ?
GET    /live                                                  + + + + + +  + + ?
GET    /password                                              + + + + + +  o o ?
POST   /password                                              + + + + + +  o o ?
GET    /account/                                              + + + + + +  + + ?
POST   /account/sessions/{session}/end                        . . . + . .  . . ?
GET    /account/factor                                        + + + + + +  + + ?
POST   /account/factor                                        + + + + + +  + + ?
POST   /account/factor/off                                    + + + + + +  + + ?
GET    /login/code                                            ? ? ? ? ? ?  ? ? ?
POST   /login/code                                            ? ? ? ? ? ?  ? ? ?
GET    /trust                                                 + + + + + +  o o +
GET    /trust/loalang-ca.crt                                  . . . . . .  . . .
GET    /login                                                 + + + + + +  o o +
POST   /login                                                 + + + + + +  o o +
POST   /logout                                                ? ? ? ? ? ?  ? ? ?
POST   /language                                              + + + + + +  o o +
GET    /link/nobody-knows                                     + + + + + +  o o +
GET    /set-password                                          . . . . . .  . . .
POST   /set-password                                          . . . . . .  . . .

GET    /api/v1/healthz                                        + + + + + +  o o +
GET    /api/v1/openapi.json                                   + + + + + +  + + +
GET    /api/v1/users/me                                       + + + + + +  + o ?
GET    /api/v1/users                                          - - - - + -  - o ?
POST   /api/v1/users/{user}/areas                             - - - - + -  . . ?
DELETE /api/v1/users/{user}/areas/{area}                      - - - - + -  . . ?
GET    /api/v1/areas                                          + + + + + +  o o ?
POST   /api/v1/areas                                          - - - - + -  - . ?
GET    /api/v1/areas/{area}                                   + + + + + +  . . ?
PATCH  /api/v1/areas/{area}                                   - - - - + -  . . ?
GET    /api/v1/areas/{area}/tonight                           + + + + + +  . . ?
GET    /api/v1/areas/{area}/waits                             + + + + + +  . . ?
POST   /api/v1/areas/{area}/merge                             - - - - + -  . . ?
POST   /api/v1/areas/{area}/split                             - - - - + -  . . ?
POST   /api/v1/areas/import                                   - - - - + -  - . ?
GET    /api/v1/earshot                                        + + + + + +  o o ?
PATCH  /api/v1/earshot                                        - - - - - -  - - ?
GET    /api/v1/nodes                                          + + + + + +  o o ?
POST   /api/v1/nodes                                          - - + - + -  - . ?
GET    /api/v1/nodes/{node}                                   + + + + + +  . . ?
PATCH  /api/v1/nodes/{node}                                   - - + - + -  . . ?
POST   /api/v1/nodes/{node}/orders                            - - + - + -  . . ?
GET    /api/v1/nodes/{node}/orders                            + + + + + +  . . ?
GET    /api/v1/nodes/{node}/orders/none                       . . . . . .  . . ?
GET    /api/v1/nodes/{node}/summaries                         + + + + + +  . . ?
GET    /api/v1/nodes/{node}/card                              + + + + + +  . . ?
PUT    /api/v1/nodes/{node}/card                              - - + - + -  . . ?
GET    /api/v1/nodes/{node}/notes                             + + + + + +  . . ?
POST   /api/v1/nodes/{node}/notes                             - - + - + -  . . ?
POST   /api/v1/nodes/{node}/shut-out                          - - + - + -  . . ?
POST   /api/v1/nodes/{node}/bind                              - - . - . -  . . ?
GET    /api/v1/alerts                                         - - + - + -  - o ?
POST   /api/v1/alerts                                         - - + - + -  . . ?
DELETE /api/v1/alerts/{alert}                                 - - - - + -  . . ?
POST   /api/v1/alerts/{alert}/test                            - - - - + -  . . ?
GET    /api/v1/devices/waiting                                - - + - + -  - o ?
POST   /api/v1/nodes/{node}/claim-code                        - - + - + -  . . ?
GET    /api/v1/clips                                          + + + + + +  o o ?
POST   /api/v1/clips                                          + + - - + -  - . ?
GET    /api/v1/packs?clips={clip}                              + + - - + -  . . ?
POST   /api/v1/packs                                          + + - - + -  - . ?
POST   /api/v1/speech                                         + + - - + -  - . ?
GET    /api/v1/clips/expiring                                 + + + + + +  o o ?
GET    /api/v1/clips/{clip}                                   + + + + + +  . . ?
POST   /api/v1/clips/{clip}/keep-ready                        - + - - + -  . . ?
POST   /api/v1/clips/{clip}/let-go                            - + - - + -  . . ?
GET    /api/v1/clips/{clip}/audio                             + + + + + +  . . ?
POST   /api/v1/clips/{clip}/approve                           - + - - + -  . . ?
POST   /api/v1/clips/{clip}/reject                            - + - - + -  . . ?
POST   /api/v1/clips/{clip}/withdraw                          - + - - + -  . . ?
POST   /api/v1/clips/{clip}/keep-ready                        - + - - + -  . . ?
POST   /api/v1/clips/{clip}/let-go                            - + - - + -  . . ?
GET    /api/v1/schedules                                      + + + + + +  o o ?
POST   /api/v1/schedules                                      + + - - + -  - . ?
GET    /api/v1/schedules/{schedule}                           + + + + + +  . . ?
PATCH  /api/v1/schedules/{schedule}                           + + - - + -  . . ?
DELETE /api/v1/schedules/{schedule}                           + + - - + -  . . ?
POST   /api/v1/schedules/{pending}/approve                    - + - - + -  . . ?
POST   /api/v1/schedules/{pending}/reject                     - + - - + -  . . ?
POST   /api/v1/schedules/{schedule}/pause                     + + - - + -  . . ?
POST   /api/v1/schedules/{schedule}/resume                    + + - - + -  . . ?
GET    /api/v1/airings                                        + + + + + +  o o ?
GET    /api/v1/airings/{airing}                               + + + + + +  . . ?
POST   /api/v1/airings/{airing}/move                          - + - - + -  . . ?
POST   /api/v1/airings/{airing}/skip                          - + - - + -  . . ?
POST   /api/v1/airings/{airing}/restore                       - + - - + -  . . ?
POST   /api/v1/airings/{morning}/catch-up                     + + - . + -  . . ?
GET    /api/v1/sticks?nodes={node}                            - - + - + -  - . ?
POST   /api/v1/sticks                                         - - + - + -  - o ?
GET    /api/v1/playbacks                                      + + + + + +  o o ?
GET    /api/v1/playbacks/{morning}/{node}/path                + + + + + +  . . ?
GET    /api/v1/playbacks.csv                                  + + + + + +  o o ?
GET    /api/v1/playbacks.xlsx                                 + + + + + +  + + ?
GET    /api/v1/coverage                                       + + + + + +  o o ?
GET    /api/v1/feedback                                       + + + + + +  o o ?
POST   /api/v1/feedback                                       + + - + + -  . . ?
GET    /api/v1/emergencies                                    + + + + + +  o o ?
POST   /api/v1/emergencies                                    - + - - + -  - . ?
GET    /api/v1/emergencies/{emergency}                        + + + + + +  . . ?
POST   /api/v1/emergencies/{emergency}/confirm                - + - - + -  . . ?
POST   /api/v1/emergencies/{emergency}/cancel                 - + - - + -  . . ?
POST   /api/v1/stop                                           + + - - + -  - . ?
GET    /api/v1/nothing-here                                   . . . . . .  . . .
"""

_SCHEDULE = {
    "title": "Họp thôn",
    "items": [{"clip_id": "{clip}"}],
    "area_ids": ["{area}"],
    "starts_at": "2026-11-24T19:00",
}
_BROADCAST = {
    "title": "Họp thôn",
    "clips": "{clip}",
    "area_ids": "{area}",
    "date": "2026-11-24",
    "time": "19:00",
    "repeat": "once",
}
_RECORDED = {"title": "A", "topic": "1", "language": "vi", "area_id": "{area}"}
_SPOKEN = {**_RECORDED, "text": "Mời bà con"}
_NOTE = {"airing_id": "{morning}", "area_id": "{area}", "asked": "3", "installed": "1"}
_NODE = {"name": "Cụm mới", "code": "MOI-1", "area_id": "{area}"}
_EMERGENCY = {"clip_id": "{clip}", "area_ids": ["{area}"], "drill": True}

# What a form or call sends, where an empty one would not get as far as the question of rights.
BODIES: dict[str, Any] = {
    "POST /week/move/{airing}": {"date": "2026-11-24", "time": "11:00"},
    "POST /broadcasts/new": _BROADCAST,
    "POST /broadcasts/check": _BROADCAST,
    "POST /clips/new": {**_RECORDED, "file": FILE},
    "POST /clips/speak": _SPOKEN,
    "POST /clips/packs/export": {"clip": "{clip}"},
    "POST /clips/packs/import": {"file": FILE, "area_id": "{area}"},
    "POST /api/v1/packs": {"file": FILE, "area_id": "{area}"},
    "POST /devices/bind": {"node_id": "{node}", "device_id": "none"},
    "POST /sticks/out": {"node": "{node}"},
    "POST /sticks/back": {"file": FILE},
    "POST /api/v1/sticks": {"file": FILE},
    "POST /schedules/{pending}/reject": {"note": "Đổi giờ"},
    "POST /clips/{clip}/reject": {"note": "Thu lại"},
    "POST /emergency/": {**_EMERGENCY, "area_ids": "{area}", "kind": "drill", "password": PASSWORD},
    "POST /emergency/stop": {"area_ids": "{area}"},
    "POST /nodes/new": _NODE,
    "POST /nodes/{node}/edit": {"name": "Tên mới", "volume": "80"},
    "POST /nodes/{node}/orders": {"verb": "restart"},
    "POST /nodes/{node}/notes": {"text": "Thay nguồn"},
    "POST /village/feedback": _NOTE,
    "POST /village/mute": {"area_id": "{area}", "until": "2026-11-23T05:00"},
    "POST /village/fault": {"area_id": "{area}", "node_id": "{node}", "text": "Loa hú"},
    "POST /users/new": {"username": "moi", "name": "Mới", "role": "viewer", "area_id": "{area}"},
    "POST /users/{user}": {"name": "Tên mới", "role": "viewer", "area_id": "{area}"},
    "POST /settings/areas": {"name": "Xóm Mới", "kind": "xóm", "parent_id": "{area}"},
    "POST /settings/areas/{area}": {"name": "Thôn Mới", "kind": "thôn"},
    "POST /settings/alerts/": {"name": "Tâm", "address": "json://127.0.0.1:9", "area_id": "{area}"},
    "POST /api/v1/alerts": {"name": "Tâm", "address": "json://127.0.0.1:9", "area_id": "{area}"},
    "PATCH /api/v1/earshot": {"metres": 500},
    "POST /settings/earshot": {"metres": "500"},
    "POST /api/v1/areas": {"name": "Xóm Mới", "kind": "xóm", "parent_id": "{area}"},
    "PATCH /api/v1/areas/{area}": {"name": "Thôn Mới"},
    "POST /api/v1/users/{user}/areas": {"area_id": "{area}"},
    "POST /api/v1/areas/{area}/merge": {"area_ids": ["{area}"]},
    "POST /api/v1/areas/{area}/split": {"name": "Xóm Mới", "kind": "xóm"},
    "POST /api/v1/areas/import": {"parent_id": "{area}", "file": FILE},
    "POST /api/v1/nodes": _NODE,
    "PATCH /api/v1/nodes/{node}": {"name": "Tên mới"},
    "POST /api/v1/clips": {**_RECORDED, "file": FILE},
    "POST /api/v1/nodes/{node}/orders": {"verb": "restart"},
    "PUT /api/v1/nodes/{node}/card": {"key_holder": "Bà Sáu"},
    "POST /api/v1/nodes/{node}/notes": {"text": "Thay nguồn"},
    "POST /api/v1/speech": {**_SPOKEN, "topic": 1},
    "POST /api/v1/clips/{clip}/approve": {},
    "POST /api/v1/nodes/{node}/bind": {"device_id": "none"},
    "POST /nodes/{node}/bind": {"device_id": "none"},
    "POST /api/v1/clips/{clip}/reject": {"note": "Thu lại"},
    "POST /api/v1/schedules": _SCHEDULE,
    "PATCH /api/v1/schedules/{schedule}": {"title": "Tên mới"},
    "POST /api/v1/airings/{airing}/move": {"starts_at": "2026-11-24T11:00"},
    "POST /api/v1/schedules/{pending}/reject": {"note": "Đổi giờ"},
    "POST /api/v1/feedback": {**_NOTE, "asked": 3, "installed": 1},
    "POST /api/v1/emergencies": _EMERGENCY,
    "POST /api/v1/stop": {"area_ids": ["{area}"]},
}
