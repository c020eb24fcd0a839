"""Lists of authenticator apps from elsewhere."""

from __future__ import annotations

import tempfile
from pathlib import Path

from mfa_gate.cli.totp_import.sources import FORMATS, Options, read
from mfa_gate.errors import SettingsError

from ..target import Check, Target, told


def made() -> Check:
    """Make the check."""
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))

    def bring(data: bytes) -> None:
        path = folder / "apps"
        path.write_bytes(data)
        for format in ("auto", *FORMATS):
            try:
                for _ in read(path, format, Options()):
                    pass
            except SettingsError as error:
                told(error)

    return bring


SEEDS = (
    b"otpauth://totp/App:ann?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=App&digits=6&period=30&algorithm=SHA1\n",
    b"ann,otpauth://totp/App:ann?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\n# remark\nbob\totpauth://totp/x?secret=AAAA\n",
    b"user,tenant,secret,digits,period,algorithm,label\nann,alpha,JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP,6,30,SHA1,x\n",
    b'user;secret_hex\n"ann";00112233445566778899aabbccddeeff00112233\n',
)
TARGET = Target(
    "app-lists",
    "each line is an app or says why it is none",
    made,
    lambda: SEEDS,
    (b"otpauth://", b"secret=", b"&period=", b"&digits="),
    quick=75,
)
