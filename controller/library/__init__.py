"""The clips: taken in, versioned, approved, expiring, listened to before they air."""
