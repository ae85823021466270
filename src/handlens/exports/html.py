"""One HTML file to draw on, with the network and its weights inside, that asks nothing of any network."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import jinja2

from handlens import nn
from handlens.evaluate import Interval
from handlens.exports.document import document
from handlens.exports.passport import Measured, Passport
from handlens.report import formats, templates

PAGE = Path(__file__).parent / "page"
# Each after those that it imports.
MODULES = (
    "activations.js", "layers.js", "network.js", "image.js", "content.js", "background.js",
    "picture.js", "pad.js", "page.js",
)  # fmt: skip
IMPORT = re.compile(r"^import \{[^}]*\} from \"\./[\w.]+\";\n", re.MULTILINE)
EXPORTED = re.compile(r"^export (?=async function|function|const|class)", re.MULTILINE)
LISTED = re.compile(r"^export \{[^}]*\};\n", re.MULTILINE)
PERCENT = "\N{NO-BREAK SPACE}%"


def html(network: nn.Network, passport: Passport, *, bits: int = 16) -> str:
    """The page as text.

    Its Content-Security-Policy lets in one script and one style, known by their sha256, and no address at
    all. Class names and all other words of a run are text, never markup: in the page by Jinja's escaping, in
    the data by JSON with every `<` escaped, in the script by `textContent`.

    Args:
        bits: of the kernels' numbers, 16 or 32; see `document`.
    """
    script, style = bundle(MODULES), _style(passport)
    policy = (
        f"default-src 'none'; script-src 'sha256-{_sha256(script)}'; style-src 'sha256-{_sha256(style)}'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
    environment = templates.environment().overlay(loader=jinja2.FileSystemLoader(PAGE))
    return environment.get_template("page.html").render(
        passport=passport,
        model=document(network, passport, bits=bits),
        script=script,
        style=style,
        policy=policy,
        example=_example(passport),
        limits=limits(passport),
        pairs=pairs(passport),
    )


def bundle(modules: tuple[str, ...]) -> str:
    """The modules as one: in their order, without their imports and exports, which then see each other."""
    texts = [(PAGE / name).read_text(encoding="utf-8") for name in modules]
    script = "\n".join(LISTED.sub("", EXPORTED.sub("", IMPORT.sub("", text))) for text in texts)
    assert "</script" not in script
    assert "<!--" not in script
    return script


def limits(passport: Passport) -> str:
    """What a reader of any answer must know."""
    return (
        f"The model answers with one of its {len(passport.classes)} classes whatever it is shown, and its "
        "probabilities are worth only as much as the picture is like the "
        f"{passport.data.train_images:,} images that it was trained on. Its scores are those on images of "
        "the same collection."
    )


def pairs(passport: Passport) -> list[tuple[str, str]]:
    """What is said about the model: names and values."""
    data, seen = passport.data, passport.input
    said = [
        ("Recipe", passport.model),
        ("Parameters", formats.whole(passport.parameters)),
        ("Validation accuracy", score(passport.validation)),
        ("Test accuracy", "not measured" if passport.test is None else score(passport.test)),
        ("Trained on", data.title or data.name),
        ("Licence of the data", data.licence or "not known to handlens"),
        (
            "Input",
            f"{seen['height']} × {seen['width']} pixels, {'grey' if seen['channels'] == 1 else 'colour'}",
        ),
        ("Preparation", f"{passport.preparation['kind']}, inside the model"),
        ("Run", passport.run),
        ("Written by", f"handlens {passport.handlens}"),
    ]
    return [(name, value) for name, value in said if value]


def score(measured: Measured) -> str:
    """Accuracy with its interval and the number of images."""
    return f"{share(measured.accuracy)} of {measured.images:,} images"


def share(interval: Interval) -> str:
    """A share in percent with its 95 % interval."""
    digits = formats.percent_digits([interval])
    spread = formats.spread(interval, digits)
    return f"{formats.percent(interval.mean, digits)}{PERCENT} (95{PERCENT} interval {spread})"


def _example(passport: Passport) -> str:
    """What to draw: one of the classes where that is a digit or letter."""
    names = passport.classes
    if all(len(name) == 1 for name in names):
        return f"one of {names[0]} to {names[-1]}" if len(names) > 3 else formats.joined(names, "or")
    return "one of the classes"


def _style(passport: Passport) -> str:
    longest = min(max((len(name) for name in passport.classes), default=1), 16)
    parts = (templates.FOLDER / "page.css", PAGE / "pad.css", PAGE / "page.css")
    style = "".join(part.read_text(encoding="utf-8") for part in parts)
    return f"{style}:root {{ --names: {0.62 * longest + 0.6:.2f}em; }}\n"


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
