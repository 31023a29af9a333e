"""The texts of the files that a setup writes. Pure; the units are read from the package by the caller."""

from __future__ import annotations

from evd.setup.answers import ETC, STATE, TLS, Answers

PROGRAM = "/opt/evd/.venv/bin/evd"
"""In the units as they are shipped."""

HEAD = "# Made by `evd setup`, which writes it anew; settings of your own belong into a file of your own.\n"


def unit(text: str, answers: Answers) -> bytes:
    return text.replace(PROGRAM, answers.program).encode()


def socket_unit(text: str, answers: Answers) -> bytes:
    return text.replace("ListenStream=127.0.0.1:8080", f"ListenStream={answers.listen}").encode()


def sysusers(answers: Answers) -> bytes:
    lines = ["g evd -", f'u evd -:evd "evd, the cloud behind connected vehicles" {STATE}']
    lines += [f"m {reader} evd" for reader in answers.readers]
    return (HEAD + "\n".join(lines) + "\n").encode()


def drop_in(answers: Answers) -> bytes:
    """The settings and credentials that come of the answers, for evd.service."""
    lines = ["[Service]"]
    if answers.certificates == "caddy":
        lines.append("Environment=EVD_SERVER__TRUSTED_PROXIES=127.0.0.1")
    else:
        lines.append(f"Environment=EVD_SERVER__TLS_CERT={TLS}/fullchain.pem EVD_SERVER__TLS_KEY={TLS}/privkey.pem")
    if answers.sigfox_login:
        lines.append(f"Environment=EVD_SIGFOX__API_LOGIN={answers.sigfox_login.replace('%', '%%')}")
    if answers.fcm is not None:
        lines.append(f"LoadCredential=fcm.json:{ETC}/fcm.json")
    if answers.sigfox_password is not None:
        lines.append(f"LoadCredential=sigfox.api_password:{ETC}/sigfox-password")
    return (HEAD + "\n".join(lines) + "\n").encode()


def caddyfile(answers: Answers) -> bytes:
    text = f"""{HEAD}# Its first block must be the first of /etc/caddy/Caddyfile.
{{
\t# Some of Sigfox's callbacks come without SNI: they get this certificate.
\tdefault_sni {answers.domain}
}}
{answers.domain} {{
\treverse_proxy {answers.listen}
}}
"""
    return text.encode()


def certbot_hook(answers: Answers) -> bytes:
    """certbot(1) runs it after each renewal, as root, with RENEWED_LINEAGE and RENEWED_DOMAINS."""
    text = f"""#!/bin/sh
{HEAD}# evd may read the copies; it takes them without closing a connection.
set -eu
case " $RENEWED_DOMAINS " in *" {answers.domain} "*) ;; *) exit 0 ;; esac
for name in fullchain privkey; do
    install -m 640 -o root -g evd "$RENEWED_LINEAGE/$name.pem" "{TLS}/$name.pem.new"
done
for name in fullchain privkey; do
    mv -f "{TLS}/$name.pem.new" "{TLS}/$name.pem"
done
if systemctl is-active --quiet evd.service; then systemctl reload evd.service; fi
"""
    return text.encode()
