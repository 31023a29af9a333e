"""FCM's two endpoints on this machine. Begin with `server`."""
