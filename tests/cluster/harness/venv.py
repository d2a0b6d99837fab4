"""The virtual environment of the tests: target/venv, made again when the requirements change."""
import fcntl
import pathlib
import shutil
import subprocess
import sys

from .paths import REQUIREMENTS, VENV, Failure


def ensure() -> pathlib.Path:
    """Makes the environment when needed and returns its python."""
    python = VENV / "bin" / "python"
    stamp = VENV / "requirements.stamp"
    wanted = f"{sys.version}\n{REQUIREMENTS.read_text()}"
    VENV.parent.mkdir(parents=True, exist_ok=True)
    with (VENV.parent / ".venv.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text() == wanted and python.exists():
            return python
        shutil.rmtree(VENV, ignore_errors=True)
        for command in ([sys.executable, "-m", "venv", str(VENV)],
                        [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--quiet",
                         "-r", str(REQUIREMENTS)]):
            result = subprocess.run(command, capture_output=True, text=True, check=False)
            if result.returncode != 0:
                hint = " (Debian: install python3-venv)" if "ensurepip" in result.stdout + result.stderr else ""
                raise Failure(f"{' '.join(command)} failed{hint}:\n{result.stdout}{result.stderr}")
        stamp.write_text(wanted)
    return python
