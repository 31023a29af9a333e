"""What the operator reads of alarms whose sentence depends on more than a number: what is wrong, where, what to do."""

from __future__ import annotations


def span(seconds: float) -> str:
    """In words: `40 s`, `12 min`, `3 h`, `2 days`."""
    for unit, size in (("days", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def clock_text(behind_s: float, ahead: int, newest: int) -> str:
    """`ahead` and `newest` are statuses of the last hour."""
    if behind_s:
        return (
            f"the server's clock is {span(behind_s)} behind what evd knows, which it goes by: set the clock "
            "(`timedatectl`), or set server.trust_clock where it is right"
        )
    return (
        f"{ahead} statuses within an hour lie more than a day ahead of the server's clock, and {newest} do not: "
        "set the clock (`timedatectl`), or mend the senders'"
    )


def certificate_text(days: float) -> str:
    when = f"ends in {days:.0f} days" if days >= 1 else "ends today" if days > 0 else "has ended"
    return f"the certificate of server.tls_cert {when}: renew it, and restart evd so that it shows the new one"


def crowded_text(connections: int, address: str) -> str:
    """`address` is that of most of the connections that had to go within the hour."""
    return (
        f"{connections} connections within an hour had to give way, for there were too many that show no key, "
        f"most of them from {address}: block that address before evd, or give its callers a key; where all of them are "
        "welcome, raise server.connections_max"
    )
