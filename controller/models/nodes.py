"""Places and hardware: a `Node` is a place with horns, a `Device` the Pi that serves it now."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from controller.models.areas import Area
from controller.models.base import ID_LENGTH, Base, new_id


class Node(Base):
    """A speaker cluster: it keeps its history whatever hardware serves it."""

    __tablename__ = "node"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    lat: Mapped[float | None]
    lon: Mapped[float | None]
    languages: Mapped[list[Any] | None]  # None: those of its area
    volume_pct: Mapped[int] = mapped_column(default=100)
    stagger_slot: Mapped[int] = mapped_column(default=0)
    settle_ms: Mapped[int] = mapped_column(default=500)
    tail_ms: Mapped[int] = mapped_column(default=500)
    # How to get there and whom to ask: directions, key_holder, key_phone, power, head, head_phone.
    card: Mapped[dict[str, Any] | None]
    # Which areas each amplifier carries: [{"zone", "areas"}]; None: all carry everything.
    zones: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]

    memberships: Mapped[list["NodeMembership"]] = relationship(
        back_populates="node", order_by="NodeMembership.from_at"
    )
    bindings: Mapped[list["DeviceBinding"]] = relationship(
        back_populates="node", order_by="DeviceBinding.from_at"
    )


class NodeMembership(Base):
    """From when until when a node belonged to an area; the targets of an airing rest on this."""

    __tablename__ = "node_membership"
    __table_args__ = (Index("ix_node_membership_area_from", "area_id", "from_at"),)

    node_id: Mapped[str] = mapped_column(ForeignKey("node.id"), primary_key=True)
    from_at: Mapped[datetime] = mapped_column(primary_key=True)
    area_id: Mapped[str] = mapped_column(ForeignKey("area.id"))
    until_at: Mapped[datetime | None]

    node: Mapped[Node] = relationship(back_populates="memberships")
    area: Mapped[Area] = relationship()


class Device(Base):
    """Hardware, named by the hash of its public key; the columns below are what it last said."""

    __tablename__ = "device"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)  # device_id
    public_key: Mapped[str] = mapped_column(String(64))
    hardware: Mapped[str] = mapped_column(default="")
    version: Mapped[str] = mapped_column(default="")
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime | None]
    online: Mapped[bool] = mapped_column(default=False)
    session: Mapped[int] = mapped_column(BigInteger, default=0)
    boot_id: Mapped[str] = mapped_column(default="")
    store_epoch: Mapped[str] = mapped_column(default="")
    presence_seq: Mapped[int] = mapped_column(BigInteger, default=0)
    status_seq: Mapped[int] = mapped_column(BigInteger, default=0)
    status: Mapped[dict[str, Any] | None]  # the last Status, as it came
    shut_out_at: Mapped[datetime | None]  # stolen: nothing it says counts any more


class DeviceBinding(Base):
    """Which device serves a node, from when until when."""

    __tablename__ = "device_binding"
    __table_args__ = (Index("ix_device_binding_device", "device_id"),)

    node_id: Mapped[str] = mapped_column(ForeignKey("node.id"), primary_key=True)
    from_at: Mapped[datetime] = mapped_column(primary_key=True)
    device_id: Mapped[str] = mapped_column(ForeignKey("device.id"))
    until_at: Mapped[datetime | None]

    node: Mapped[Node] = relationship(back_populates="bindings")
    device: Mapped[Device] = relationship()


class WaitingDevice(Base):
    """A new device that asks for a place and shows no code that fits: somebody may bind it."""

    __tablename__ = "waiting_device"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)  # device_id
    public_key: Mapped[str] = mapped_column(String(64))
    code: Mapped[str]  # what its label says: digits of its key
    hardware: Mapped[str]
    version: Mapped[str]
    first_asked_at: Mapped[datetime]
    last_asked_at: Mapped[datetime]


class DeviceCertificate(Base):
    """A certificate the broker knows a device by; those of a device shut out are revoked."""

    __tablename__ = "device_certificate"

    serial: Mapped[str] = mapped_column(String(64), primary_key=True)  # in hex
    device_id: Mapped[str] = mapped_column(ForeignKey("device.id"), index=True)
    pem: Mapped[str]
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class ClaimCode(Base):
    """A one-time code a technician gives to the device that is to serve a node.

    The code is kept as it is: the proof a device sends is keyed with it (protocol.claims).
    """

    __tablename__ = "claim_code"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    node_id: Mapped[str] = mapped_column(ForeignKey("node.id"), index=True)
    code: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class NodeOrder(Base):
    """What a technician asked of one node, and what its device answered."""

    __tablename__ = "node_order"
    __table_args__ = (Index("ix_node_order_node_created", "node_id", "created_at"),)

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    node_id: Mapped[str] = mapped_column(ForeignKey("node.id"))
    device_id: Mapped[str] = mapped_column(ForeignKey("device.id"))
    verb: Mapped[str]
    args: Mapped[dict[str, Any]]
    airing: Mapped[dict[str, Any] | None]  # what `play` sounds, as the protocol has it
    created_by: Mapped[str | None] = mapped_column(ForeignKey("user_account.id"))
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    ok: Mapped[bool | None]
    problem: Mapped[str] = mapped_column(default="")
    detail: Mapped[str] = mapped_column(default="")
