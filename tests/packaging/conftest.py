"""Fresh environments to install into, and a way to run Python in them."""

import os
import site
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Environment:
    """A virtual environment that sees the libraries of the one the tests run in, but none of its .pth files."""

    folder: Path

    @property
    def python(self):
        return self.folder / "bin" / "python"

    @property
    def site_packages(self):
        return next(self.folder.glob("lib/python*/site-packages"))

    def install(self, *what):
        """pip install without the network and without touching anything outside."""
        command = [sys.executable, "-m", "pip", "--python", self.python, "install", "--quiet", "--ignore-installed"]
        options = ["--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
        done = subprocess.run([*command, *options, *what], capture_output=True, text=True, cwd=self.folder, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def run(self, *arguments, program=None, **variables):
        """Run Python, or another program of the environment, away from the repository."""
        environ = {k: v for k, v in os.environ.items() if k != "PYTHONPATH" and not k.startswith("COV_")}
        command = [self.folder / "bin" / program] if program else [self.python]
        return subprocess.run(
            [*command, *arguments],
            capture_output=True,
            text=True,
            cwd=self.folder,
            env=environ | variables,
            timeout=600,
            check=False,
        )


def make_environment(folder):
    """A new environment over the libraries of the running one."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    environment = Environment(folder)
    libraries = [
        p for p in sys.path if p.endswith(("site-packages", "dist-packages")) and p != site.getusersitepackages()
    ]
    (environment.site_packages / "zz_libraries.pth").write_text("\n".join(libraries) + "\n")
    for name in ("lm-eval", "lm_eval"):
        script = environment.folder / "bin" / name
        script.write_text(
            f"#!{environment.python}\nimport sys\nfrom lm_eval.__main__ import cli_evaluate\nsys.exit(cli_evaluate())\n"
        )
        script.chmod(0o755)
    return environment


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """Environments by the way we were installed into them, each made once."""
    pytest.importorskip("hatchling", reason="building needs hatchling: pip install -e '.[dev]'")
    made = {}

    def install(way):
        if way not in made:
            environment = make_environment(tmp_path_factory.mktemp(way) / "env")
            environment.install(*(["--editable", REPOSITORY] if way == "editable" else [REPOSITORY]))
            made[way] = environment
        return made[way]

    return install


@pytest.fixture(params=["wheel", "editable"])
def environment(request, installed):
    """An environment with lottery-plugins installed, once from a wheel and once editable."""
    return installed(request.param)


@pytest.fixture
def wheel_environment(installed):
    """An environment with lottery-plugins installed from a wheel."""
    return installed("wheel")


@pytest.fixture
def bare_environment(tmp_path):
    """An environment without us."""
    return make_environment(tmp_path / "bare")
