"""Firebase Cloud Messaging, HTTP v1. Begin with `traits`; `sender` sends."""
