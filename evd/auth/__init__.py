"""Authentication: API keys with their roles, Firebase ID tokens, and a limit on guesses.

May import: net. Begin with `evd.auth.api_keys`.
"""
