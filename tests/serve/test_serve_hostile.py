"""What nobody should send gets a 4xx with one line of JSON, quickly, without a traceback."""

from __future__ import annotations

import base64
import io
import json
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from serve_support import png
from starlette.testclient import TestClient

from handlens.serve import limits
from handlens.serve.access import Access

JSON = {"content-type": "application/json"}
PNG = {"content-type": "image/png"}
FORM = {"content-type": "multipart/form-data; boundary=a"}
CROSS = {"sec-fetch-site": "cross-site"}
LOPSIDED = {"pixels": [["x" * 3_000_000] + ["y"] * 300_000]}  # as an array of texts: 3.6 TB
NOISE = np.random.default_rng(0).integers(0, 256, (28, 28), dtype=np.uint8)
Ask = Callable[[TestClient], Any]


def post(path: str = "/api/predict", **how: Any) -> Ask:
    return lambda client: client.post(path, **how)


def get(path: str, **how: Any) -> Ask:
    return lambda client: client.get(path, **how)


def said(text: str | bytes, path: str = "/api/predict") -> Ask:
    return post(path, content=text, headers=JSON)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb(width: int, height: int, rows: int) -> bytes:
    """A PNG whose head promises width x height pixels, with so many rows of zeros, packed."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = zlib.compress(bytes((width + 1) * rows), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def tiff_with_a_lie() -> bytes:
    """A TIFF that says that its strip lies 4 GB further."""
    entries = [(256, 4, 1, 100), (257, 4, 1, 100), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1)]
    entries += [(273, 4, 1, 0xFFFFFF00), (278, 4, 1, 100), (279, 4, 1, 10000)]
    made = b"II*\x00\x08\x00\x00\x00" + struct.pack("<H", len(entries))
    return made + b"".join(struct.pack("<HHII", *entry) for entry in entries) + bytes(4)


def form(parts: int, content: bytes = b"x") -> Any:
    return [("pictures", (f"{i}.png", content)) for i in range(parts)]


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def nested(depth: int) -> str:
    return '{"pixels": ' + "[" * depth + "]" * depth + "}"


HOSTILE: dict[str, tuple[int, Ask]] = {
    # bodies that are too large, or say so
    "11 MB": (413, post(content=bytes(11_000_000), headers=PNG)),
    "11 MB in chunks": (413, post(content=(bytes(100_000) for _ in range(110)), headers=PNG)),
    "a length that is a lie": (413, post(content=b"x", headers=PNG | {"content-length": "99999999999"})),
    "a length that is no number": (413, post(content=b"x", headers=PNG | {"content-length": "-5"})),
    "1,001 files": (400, post(files=form(1001))),
    "1,001 pictures": (413, said(json.dumps({"pixels": [[[0]]] * 1001}))),
    "1,001 pictures in base64": (413, said(json.dumps({"pixels": "A" * 1335 + "=", "shape": [1001, 1, 1]}))),
    # pictures
    "no picture": (422, post(content=b"hello", headers=PNG)),
    "41 megapixels": (413, post(content=bomb(41_000, 1000, 1000), headers=PNG)),
    "4 gigapixels, promised": (422, post(content=bomb(65_000, 65_000, 3), headers=PNG)),
    "2^62 pixels, promised": (422, post(content=bomb(2**31 - 1, 2**31 - 1, 0), headers=PNG)),
    "30 pictures of 36 megapixels": (413, post(files=form(30, bomb(6000, 6000, 6000)))),
    "cut short": (422, post(content=png(NOISE)[:400], headers=PNG)),
    "no pixels at all": (422, post(content=bomb(0, 0, 0), headers=PNG)),
    "a TIFF that points beyond itself": (422, post(content=tiff_with_a_lie(), headers=PNG)),
    "SVG": (422, post(content=b"<svg onload='alert(1)'/>", headers={"content-type": "image/svg+xml"})),
    "a text": (415, post(content=b"hello", headers={"content-type": "text/plain"})),
    "nothing": (400, post()),
    # forms
    "a form without a boundary": (400, post(content=b"x", headers={"content-type": "multipart/form-data"})),
    "a form that ends too early": (
        400,
        post(content=b'--a\r\nContent-Disposition: form-data; name="p"; filename="x', headers=FORM),
    ),
    "a form of another kind": (415, post(data={"pictures": "hello"}, files={})),
    "a form of fields": (400, post(files={"pictures": (None, "hello")})),
    "a form with an empty file": (422, post(files=form(1, b""))),
    # JSON
    "no JSON": (400, said("{")),
    "no object": (422, said("[]")),
    "nothing in it": (422, said("{}")),
    "deep": (400, said(nested(400_000))),
    "70 deep": (422, said(nested(70))),
    "NaN": (422, said('{"pixels": [[NaN]]}')),
    "infinity": (422, said('{"pixels": [[1e999]]}')),
    "minus infinity": (422, said('{"pixels": [[-Infinity]]}')),
    "a number of 5,000 digits": (400, said('{"pixels": [[' + "9" * 5000 + "]]}")),
    "a number of 400 digits": (422, said('{"pixels": [[' + "9" * 400 + "]]}")),
    "below 0": (422, said('{"pixels": [[-1]]}')),
    "above 255": (422, said('{"pixels": [[256]]}')),
    "ragged": (422, said('{"pixels": [[1, 2], [3]]}')),
    "texts": (422, said('{"pixels": [["a"]]}')),
    "objects": (422, said('{"pixels": [[{}]]}')),
    "nulls": (422, said('{"pixels": [[null]]}')),
    "one long text among short ones": (422, said(json.dumps(LOPSIDED))),
    "empty": (422, said('{"pixels": []}')),
    "rows without pixels": (422, said('{"pixels": [[], []]}')),
    "five dimensions": (422, said('{"pixels": [[[[[1]]]]]}')),
    "two channels": (422, said('{"pixels": [[[[1, 2]]]]}')),
    "no base64": (422, said('{"pixels": "!!!", "shape": [1, 1]}')),
    "another number of bytes": (422, said('{"pixels": "AAAA", "shape": [28, 28]}')),
    "a huge shape": (422, said('{"pixels": "AAAA", "shape": [40000000, 40000000, 40000000, 3]}')),
    "a negative shape": (422, said('{"pixels": "AAAA", "shape": [-1, -3]}')),
    "pictures that are none": (422, said('{"pictures": [1]}')),
    "a picture that is no base64": (422, said('{"pictures": ["data:image/png;base64,%%"]}')),
    "both at once": (422, said('{"pictures": [], "pixels": []}')),
    "names that do not fit": (422, said('{"pixels": [[1]], "names": ["a", "b"]}')),
    "bytes that are no text": (400, said(b"\xff\xfe\x00")),
    "half a character": (404, said('{"pixels": [[1]]}', "/api/predict?study=%ed%a0%80")),
    # things that are not there
    "an unknown study": (404, said('{"pixels": [[1]]}', "/api/predict?study=other")),
    "an unknown run": (404, said('{"pixels": [[1]]}', "/api/predict?run=0000")),
    "a run by a path": (404, said('{"pixels": [[1]]}', "/api/predict?run=../../etc")),
    "33 runs": (422, said('{"pixels": [[1]]}', "/api/predict?" + "&".join(["run=0000"] * 33))),
    "another size": (422, said('{"pixels": [[1]]}', "/api/predict?fit=false")),
    "up and away": (404, get("/static/../app.py")),
    "up and away, encoded": (400, get("/static/%2e%2e/app.py")),
    "up and away, encoded slash": (400, get("/static/..%2f..%2fapp.py")),
    "up and away, twice encoded": (400, get("/static/%252e%252e/app.py")),
    "backslashes": (400, get("/static/..%5c..%5capp.py")),
    "a study by a path": (400, get("/api/studies/..%2f..%2fetc%2fpasswd")),
    "a run named ..": (422, get("/api/runs/...")),
    "a byte of zero": (400, get("/static/%00")),
    "a new line": (400, get("/api/studies/a%0d%0aSet-Cookie:%20a=b")),
    "a very long name": (404, get("/static/" + "a" * 5000)),
    "a long study": (422, get("/api/studies/" + "a" * 5000)),
    "an unknown configuration": (404, get("/api/studies/small/confusion?model=other")),
    "a class that there is not": (422, get("/api/studies/small/confusion/images?shown=10&given=0")),
    "a class below 0": (422, get("/api/studies/small/confusion/images?shown=-1&given=0")),
    "a page of a million": (422, get("/api/data/small/images?size=1000000")),
    "a bound that is no number": (422, get("/api/data/small/images?sort=mean&low=nan")),
    "an endless bound": (422, get("/api/data/small/images?sort=mean&high=inf")),
    "an image beyond the last": (404, get("/api/data/small/images/test/999999.png")),
    "a huge image": (422, get("/api/data/small/images/test/0.png?scale=100000")),
    "another part": (422, get("/api/data/small/images?part=secret")),
    "doubt about training images": (422, get("/api/data/small/images?sort=doubt")),
    "another method": (405, lambda client: client.request("TRACE", "/api/about")),
    "a method of its own": (405, lambda client: client.request("FROBNICATE", "/api/about")),
    "DELETE": (405, lambda client: client.delete("/api/runs/0000")),
    "POST where one reads": (405, said("{}", "/api/studies")),
    # who asks
    "another host": (403, get("/api/about", headers={"host": "evil.example"})),
    "another host that begins alike": (403, get("/api/about", headers={"host": "127.0.0.1.evil.example"})),
    "a host with a user": (403, get("/api/about", headers={"host": "127.0.0.1:80@evil.example"})),
    "an address of the network": (403, get("/api/about", headers={"host": "192.168.0.1:8350"})),
    "another page": (403, get("/api/about", headers={"origin": "http://evil.example"})),
    "a page from nowhere": (403, post(content="{}", headers=JSON | {"origin": "null"})),
    "another port's page": (403, get("/api/about", headers={"origin": "http://127.0.0.1:3000"})),
    "an image on another page": (403, get("/api/data/small/images/test/0.png", headers=CROSS)),
    "a list on another port's page": (403, get("/api/runs", headers={"sec-fetch-site": "same-site"})),
    "the document on another page": (403, get("/openapi.json", headers=CROSS)),
    "a frame's script": (403, get("/static/x.js", headers=CROSS | {"sec-fetch-mode": "no-cors"})),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_refused_in_one_line(client: TestClient, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    status, ask = HOSTILE[name]
    answer = ask(client)
    assert answer.status_code == status, answer.text
    assert list(answer.json()) == ["error"]
    assert answer.json()["error"]
    assert "\n" not in answer.json()["error"]
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert capfd.readouterr().err == ""


def test_memory_does_not_grow(client: TestClient) -> None:
    """Every request of the list, again and again, leaves nothing behind."""

    def all_of_them() -> None:
        for _, ask in HOSTILE.values():
            ask(client)

    all_of_them()
    tracemalloc.start()
    try:
        all_of_them()
        before, _ = tracemalloc.get_traced_memory()
        all_of_them()
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 500_000
    assert peak < 400 * 2**20


def test_every_answer_has_the_headers(client: TestClient) -> None:
    for path in (
        "/",
        "/docs",
        "/docs/docs.js",
        "/api/about",
        "/openapi.json",
        "/nothing",
        "/static/vendor/vega.js",
    ):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "script-src 'self'" in policy
        assert "unsafe-eval" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in headers


def test_own_pages_and_programs_are_answered(client: TestClient) -> None:
    for headers in (
        {},
        {"origin": "http://127.0.0.1:8350"},
        {"host": "localhost:8350", "origin": "http://localhost:8350"},
        {"host": "[::1]:8350"},
        {"sec-fetch-site": "same-origin"},
    ):
        assert client.get("/api/about", headers=headers).status_code == 200, headers


def test_a_link_on_another_page_may_lead_here(client: TestClient) -> None:
    headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert client.get("/study/small", headers=headers).status_code == 200
    assert client.get("/api/about", headers=headers).status_code == 403


TOKEN = "secret-token-of-the-test"
OPEN = Access(frozenset({"lab.example"}), True, TOKEN, "handlens-8350")


@pytest.fixture
def guarded(make_client: Any, trained: Path) -> TestClient:
    client: TestClient = make_client(trained, OPEN)
    return client


def test_without_the_token_nothing_is_told(guarded: TestClient) -> None:
    for path in (
        "/",
        "/api/about",
        "/docs",
        "/static/style.css",
        "/api/studies",
        "/?token=wrong",
        "/?token=",
    ):
        answer = guarded.get(path)
        assert answer.status_code == 401, path
        assert list(answer.json()) == ["error"]
        assert TOKEN not in answer.text
    assert guarded.get("/api/about", headers={"authorization": "Bearer wrong"}).status_code == 401
    assert guarded.get("/api/about", headers={"cookie": "handlens-8350=wrong"}).status_code == 401
    assert guarded.get(f"/api/about?token={TOKEN}").status_code == 401  # in the address of a page only


def test_the_printed_address_sets_a_strict_cookie(guarded: TestClient) -> None:
    answer = guarded.get(f"/?token={TOKEN}")
    assert answer.status_code == 200
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert guarded.get("/api/about").status_code == 200  # the client keeps the cookie, as a browser does
    assert guarded.get("/api/about", headers={"host": "192.168.0.7:8350"}).status_code in (200, 401)
    assert guarded.get("/api/about", headers={"host": "evil.example"}).status_code == 403


def test_a_program_shows_the_token(guarded: TestClient) -> None:
    answer = guarded.get("/api/about", headers={"authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200


def test_too_much_at_once(make_client: Any, trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BYTES_AT_ONCE", 1000)
    client = make_client(trained)
    assert client.post("/api/predict", content=bytes(1001), headers=PNG).status_code == 429
    assert (
        client.post("/api/predict", content=bytes(999), headers=PNG).status_code == 422
    )  # and it is free again
    assert client.post("/api/predict", content=bytes(999), headers=PNG).status_code == 422


def test_sealed_test_images_stay_closed(make_client: Any, sealed: Path) -> None:
    client = make_client(sealed)
    assert client.get("/api/data/small").json()["parts"]["test"]["sealed"] is True
    for path in ("images?part=test", "images/test/0.png"):
        answer = client.get(f"/api/data/small/{path}")
        assert answer.status_code == 409
        assert "sealed" in answer.json()["error"]
    assert client.get("/api/studies/small/confusion?part=test").status_code == 409
    assert client.get("/api/studies/small/confusion").json()["part"] == "validation"
    assert not (sealed / "runs" / "looks").exists()


def test_a_damaged_run_is_said_in_one_line(make_client: Any, trained: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(trained, tmp_path / "copy")
    folder = next(p for p in sorted((tmp_path / "copy" / "runs").iterdir()) if (p / "run.json").is_file())
    (folder / "run.json").write_text("{", encoding="utf-8")
    client = make_client(tmp_path / "copy")
    answer = client.get(f"/api/runs/{folder.name}")
    assert answer.status_code == 409
    assert list(answer.json()) == ["error"]
    table = client.get("/api/studies/small").json()
    assert sum(len(model["runs"]) for model in table["models"]) == 5
    assert any(folder.name in failure for failure in table["failures"])
    assert client.get("/api/runs").json()["damaged"] == 1


def test_pictures_of_many_kinds_at_random(client: TestClient) -> None:
    """Bytes that begin like pictures: never a 5xx."""
    from PIL import Image

    rng = np.random.default_rng(0)
    image = Image.fromarray(rng.integers(0, 256, (20, 20, 3), dtype=np.uint8))
    for kind in ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF"):
        out = io.BytesIO()
        image.save(out, kind)
        whole = bytearray(out.getvalue())
        for _ in range(12):
            spoilt = bytearray(whole)
            for place in rng.integers(0, len(whole), 6):
                spoilt[place] = rng.integers(256)
            answer = client.post("/api/predict?study=small", content=bytes(spoilt), headers=PNG)
            assert answer.status_code in (200, 413, 422), (kind, answer.text)
