"""Headers on every answer: what a browser may load, and who may frame, sniff or keep a page."""

from flask import Flask, Response, g, request

from controller.settings import Settings

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
ALWAYS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(self)",
}
_A_YEAR = "max-age=31536000"


def install(app: Flask, settings: Settings) -> None:
    """Add them after every request."""
    secure = settings.public_url.startswith("https://")

    def protect(answer: Response) -> Response:
        for name, value in ALWAYS.items():
            answer.headers.setdefault(name, value)
        if secure:
            answer.headers["Strict-Transport-Security"] = _A_YEAR
        if g.get("actor") is not None and not request.path.startswith("/api/"):
            # A shared office computer must not show yesterday's page after signing out.
            answer.headers.setdefault("Cache-Control", "no-store")
        return answer

    app.after_request(protect)
