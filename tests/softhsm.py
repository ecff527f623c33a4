"""A token of SoftHSM, made for a test; its PIN is in a file."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

MODULE = "/usr/lib/softhsm/libsofthsm2.so"


@dataclass(frozen=True)
class SoftToken:
    name: str
    pin_file: Path

    @classmethod
    def make(cls, directory: Path, name: str = "sarhad") -> "SoftToken":
        """The library reads its configuration once in a process: all tokens of a test run lie in one folder."""
        if "SOFTHSM2_CONF" not in os.environ:
            (directory / "tokens").mkdir()
            (directory / "softhsm2.conf").write_text(f"directories.tokendir = {directory}/tokens\nlog.level = ERROR\n")
            os.environ["SOFTHSM2_CONF"] = str(directory / "softhsm2.conf")
        made = cls(name, directory / f"{name}.pin")
        made.pin_file.write_text("4711-0815\n")
        made.pin_file.chmod(0o600)
        command = ["softhsm2-util", "--init-token", "--free", "--label", name, "--so-pin", "87654321"]
        subprocess.run([*command, "--pin", "4711-0815"], check=True, capture_output=True)
        return made

    def uri(self, key: str) -> str:
        return f"pkcs11:token={self.name};object={key}?module-path={MODULE}&pin-source={self.pin_file}"
