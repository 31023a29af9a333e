"""Firebase's emulators: which environment variables lead Google's libraries to one, and that only development may.

With such a variable a library checks no signature, shows no credentials and sends what it has to any host that the
variable names.
"""

from __future__ import annotations

from collections.abc import Mapping

from evd.errors import ConfigError

FIRESTORE = "FIRESTORE_EMULATOR_HOST"
STORAGE = "STORAGE_EMULATOR_HOST"

LEADS_TO = {FIRESTORE: "Firestore", STORAGE: "Cloud Storage"}
"""FIREBASE_AUTH_EMULATOR_HOST is treated where ID tokens are checked (`evd.daemon.wiring`)."""


def refuse_emulators(env: Mapping[str, str], command: str, *, dev: bool) -> None:
    """Raises ConfigError for an emulator's variable without `dev`; `command` is what may use one."""
    if dev:
        return
    for name, service in LEADS_TO.items():
        if env.get(name):
            raise ConfigError(
                f"{name} is set, so an emulator would be used in place of {service}: remove it from the environment, "
                f"or for development use `{command}`"
            )


def require_both_or_none(env: Mapping[str, str]) -> None:
    """Raises ConfigError where Cloud Storage would be asked with a real account beside an emulator, or the reverse."""
    if bool(env.get(FIRESTORE)) != bool(env.get(STORAGE)):
        raise ConfigError(f"{FIRESTORE} and {STORAGE} belong together: set both, or import with --no-images")
