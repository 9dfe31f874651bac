"""What can go wrong between the service and the broker.

MqttError                also a ControllerError
├── LinkDown             not connected, or the broker is too slow; retryable
└── BadBroker            the address or a file named beside it cannot be used
"""

from typing import ClassVar

from controller.errors import ControllerError


class MqttError(ControllerError):
    """Base of what the link raises."""


class LinkDown(MqttError):
    """Nothing was sent: said again when the connection is back."""

    retryable: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__(
            "link_down",
            "Chưa kết nối được máy chủ MQTT; chương trình sẽ tự gửi lại khi có kết nối.",
            "The MQTT broker is not connected; it is said again when the connection is back.",
        )


class BadBroker(MqttError):
    """The settings name a broker that cannot be used."""

    def __init__(self, detail: str) -> None:
        super().__init__(
            "bad_broker",
            f"Không dùng được địa chỉ máy chủ MQTT ({detail}): hãy xem lại broker_url và các mục "
            "đi kèm.",
            f"The broker's settings cannot be used ({detail}): check broker_url and what goes "
            "with it.",
        )
