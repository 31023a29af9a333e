"""Authentication: API keys with their roles, Firebase ID tokens, a limit on guesses, and who may ask what.

May import: log, model, net and sigfox. Begin with `evd.auth.api_keys`, then `evd.auth.access`.
"""
