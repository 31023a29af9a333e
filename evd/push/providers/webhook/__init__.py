"""Webhooks in the form of Standard Webhooks. Begin with `traits`; `sender` sends."""
