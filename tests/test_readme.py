"""Every command and every example of the README runs as it stands there, in order, in an empty folder."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_readme_does_what_it_says(tmp_path):
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HANDLENS_CACHE": str(tmp_path / "cache"),
    }
    ran = []

    def run(command):
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        ran.append(command)

    for language, text in BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8")):
        if language == "toml":
            name = re.match(r"# (\S+\.toml)\n", text).group(1)
            (tmp_path / name).write_text(text)
        elif language == "python":
            run([sys.executable, "-c", text])
        elif language == "console":
            for line in text.splitlines():
                assert line.startswith("$ handlens "), line
                run(line.removeprefix("$ ").split())
    assert len(ran) >= 10
    assert (tmp_path / "reports" / "study" / "report.html").is_file()
    assert list((tmp_path / "figures").glob("*.svg"))


def test_the_links_of_the_documents_lead_somewhere():
    for document in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_make_demo_runs_the_study_that_the_readme_names():
    from handlens.studies.planning.plan import read_study

    study = read_study(ROOT / "studies" / "first-look.toml")
    assert study.dataset == "mnist-5k"
    names = ["dummy", "logistic", "forest", "mlp-64-64", "mlp-500-300", "lenet5"]
    assert [r.name for r in study.recipes] == names
    assert study.replicates == 3
    assert "handlens run studies/first-look.toml" in (ROOT / "Makefile").read_text()
