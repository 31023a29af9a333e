"""Authentication: API keys with their roles, Firebase ID tokens, and a limit on guesses.

May import: model and net. Begin with `evd.auth.api_keys`.
"""
