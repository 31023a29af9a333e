"""Firebase Cloud Messaging, HTTP v1. Begin with `sender`."""
