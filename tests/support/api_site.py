"""The settings of the daemon that the tests of the API share, and what they name of it."""

from __future__ import annotations

PAGE = "https://cars.example.org"
"""The origin whose pages may ask."""

SETTINGS = f"""
[server]
cors_origins = ["{PAGE}"]
trusted_proxies = ["127.0.0.1"]
[app]
trust_user_header = true
user_requests_at_once = 1000
[auth]
sessions_per_user = 8
[sigfox]
downlinks_per_vehicle = 3
[formats.wish]
grammar = "limit::uint:8 on:1:bool:7"
"""
