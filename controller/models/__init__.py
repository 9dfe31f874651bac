"""The tables, one module a subject. Times are aware UTC; ids are text safe in topics."""

from controller.models.areas import Area
from controller.models.base import Base, UtcDateTime, new_id
from controller.models.care import AlertTarget, EventKind, NodeEvent, RepairNote
from controller.models.clips import Approval, Clip, ClipVersion, SpokenLine, Tune
from controller.models.emergencies import AreaOrder, Emergency, EmergencyState
from controller.models.feedback import Feedback
from controller.models.nodes import (
    ClaimCode,
    Device,
    DeviceBinding,
    DeviceCertificate,
    Node,
    NodeMembership,
    NodeOrder,
    WaitingDevice,
)
from controller.models.outbound import Change, Document, SaidSequence, ServiceCommand, Setting
from controller.models.paths import NodeReceipt, PagePublication
from controller.models.people import (
    ApiToken,
    AuditEntry,
    BrowserSession,
    OneTimeLink,
    Role,
    SecondFactor,
    User,
    UserArea,
)
from controller.models.playbacks import NodeReport, Playback
from controller.models.schedules import (
    Airing,
    AiringArea,
    AiringWithheld,
    Programme,
    ProgrammeItem,
    Schedule,
    ScheduleArea,
)

__all__ = [
    "Airing",
    "AiringArea",
    "AiringWithheld",
    "AlertTarget",
    "ApiToken",
    "Approval",
    "Area",
    "AreaOrder",
    "AuditEntry",
    "Base",
    "BrowserSession",
    "Change",
    "ClaimCode",
    "Clip",
    "ClipVersion",
    "Device",
    "DeviceBinding",
    "DeviceCertificate",
    "Document",
    "Emergency",
    "EmergencyState",
    "EventKind",
    "Feedback",
    "Node",
    "NodeEvent",
    "NodeMembership",
    "NodeOrder",
    "NodeReceipt",
    "NodeReport",
    "OneTimeLink",
    "PagePublication",
    "Playback",
    "Programme",
    "ProgrammeItem",
    "RepairNote",
    "Role",
    "SaidSequence",
    "Schedule",
    "ScheduleArea",
    "SecondFactor",
    "ServiceCommand",
    "Setting",
    "SpokenLine",
    "Tune",
    "User",
    "UserArea",
    "UtcDateTime",
    "WaitingDevice",
    "new_id",
]
