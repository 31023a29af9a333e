"""Who is asking: API keys with their roles, and Firebase ID tokens.

May import: net. Begin with `evd.auth.api_keys`.
"""
