"""The one place where evd's version stands; pyproject.toml reads it too."""

VERSION = "0.1.0"
