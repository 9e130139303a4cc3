"""Images of published threads on a fake host, in whole builds: shown, kept, withdrawn, and never from where they must not."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from PIL import Image
from projects import ROOT, SITE, Done, Kbgen, SmallForum, forum_topic

from kbgen.testing import Canned, FakeServer, Request

SIGNED = "X-Amz-Expires=300&X-Amz-Signature=c0ffee"


def png(colour: str = "red", size: tuple[int, int] = (60, 40)) -> Canned:
    """A host's answer with an image."""
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return Canned(200, {"Content-Type": "application/octet-stream"}, out.getvalue())


@dataclass
class Gallery:
    """A forum whose first thread's answer shows images of a fake host."""

    forum: SmallForum
    server: FakeServer
    inside: Kbgen

    def shows(self, html: str, number: int = 1, **changes: Any) -> None:
        """Put HTML into the answer of a thread."""
        topic = forum_topic(number, "How do I rename a room?", **changes)
        topic["post_stream"]["posts"][1]["cooked"] += f"<p>{html}</p>"
        self.forum.write(topic)

    def build(self, *arguments: str) -> Done:
        """Build; what was asked before is forgotten."""
        self.server.requests.clear()
        return self.inside("-C", self.forum.folder, "--json", "build", "--jobs", "1", *arguments)

    def page(self) -> str:
        """The page of the thread."""
        return (self.forum.site / self.forum.paths()["forum:1"].strip("/") / "index.html").read_text(encoding="utf-8")

    def files(self) -> list[str]:
        """Images on the site."""
        return sorted(file.name for file in (self.forum.site / "assets" / "media").glob("*"))

    def stage(self, done: Done) -> dict[str, Any]:
        """What the stage says it did."""
        found: dict[str, Any] = next(one for one in done.data["stages"] if one["stage"] == "media")
        return found

    def img(self, path: str, alt: str = "The menu") -> str:
        """An image of the host."""
        return f'<img src="{self.server.url}{path}" alt="{alt}">'

    def mirror(self, **settings: Any) -> None:
        """Turn mirroring on; the fake host is let in by name."""
        http = {"private_hosts": ["127.0.0.1"], "requests_per_second": 100, "patience": 0}
        self.forum.configure(media={"mirror": True, **settings}, http=http)


@pytest.fixture
def gallery(forum: SmallForum, inside: Kbgen) -> Iterator[Gallery]:
    """Mirroring is on, and there is one image."""
    with FakeServer() as server:
        server.route("/menu.png", png())
        made = Gallery(forum, server, inside)
        made.mirror()
        made.shows(made.img("/menu.png"))
        yield made


def test_an_image_is_shown_from_the_site(gallery: Gallery) -> None:
    """With its size and what the post says of it; no browser asks another host."""
    done = gallery.build()
    assert done.code == 0, done.err
    (name,) = gallery.files()
    assert (
        f'<img class="kb-image" src="../../assets/media/{name}" width="60" height="40" alt="The menu" loading="lazy" '
        'decoding="async">'
    ) in gallery.page()
    assert gallery.server.url not in gallery.page()
    assert (gallery.forum.site / "assets/media" / name).read_bytes()[:4] == b"RIFF"
    assert gallery.inside("-C", gallery.forum.folder, "--json", "check").code == 0


def test_without_mirroring_nothing_is_asked(gallery: Gallery) -> None:
    """Images are links then, as they are where there is no copy."""
    gallery.forum.configure(media={})
    assert gallery.build().code == 0
    assert ([], []) == (gallery.server.requests, gallery.files())
    assert f'class="kb-image" href="{gallery.server.url}/menu.png"' in gallery.page()


def test_mirroring_turned_off_takes_the_copies_away(gallery: Gallery) -> None:
    """From the site, and from where they were kept."""
    gallery.build()
    gallery.forum.configure(media={"mirror": False})
    assert gallery.build().code == 0
    assert ([], []) == (gallery.files(), list((gallery.forum.folder / ".kbgen/media").iterdir()))
    assert "<img class" not in gallery.page()


def test_an_image_is_fetched_once(gallery: Gallery) -> None:
    """Neither the next build nor a clean one asks again; both give the same site."""
    gallery.build()
    first = gallery.forum.tree()
    gallery.build()
    assert (gallery.server.requests, gallery.forum.tree()) == ([], first)
    gallery.build("--clean")
    assert (gallery.server.requests, gallery.forum.tree()) == ([], first)


def test_an_image_that_comes_later_moves_its_page_alone(gallery: Gallery) -> None:
    """An incremental build and a clean one are the same to the byte."""
    gallery.server.drop("/menu.png")
    gallery.server.route("/menu.png", Canned(403))
    assert gallery.build().code == 0
    assert gallery.files() == []
    gallery.server.route("/menu.png", png())
    done = gallery.build()
    render = next(one for one in done.data["stages"] if one["stage"] == "render")
    assert any(note.startswith("1 of ") for note in render["notes"])
    later = gallery.forum.tree()
    assert "<img class" in gallery.page()
    gallery.build("--clean")
    assert gallery.forum.tree() == later


def test_offline_fetches_nothing(gallery: Gallery) -> None:
    """What is there is shown, the rest says that it waits."""
    done = gallery.build("--offline")
    assert (0, []) == (done.code, gallery.server.requests)
    assert gallery.stage(done)["notes"] == ["1 images are links for now (--offline)"]
    gallery.build()
    before = gallery.page()
    gallery.shows(gallery.img("/menu.png") + gallery.img("/other.png"))
    gallery.build("--offline")
    assert ([], 1) == (gallery.server.requests, gallery.page().count("<img class"))
    assert before.count("<img class") == 1


@pytest.mark.parametrize("change", [{"visible": False}, {"accepted": False}])
def test_images_of_a_withdrawn_thread_leave_the_site(gallery: Gallery, change: dict[str, bool]) -> None:
    """With the build that withdraws it, and the kept copies too."""
    gallery.build()
    assert len(gallery.files()) == 1
    gallery.shows(gallery.img("/menu.png"), **change)
    assert gallery.build("--allow-vanish").code == 0
    assert ([], []) == (gallery.files(), list((gallery.forum.folder / ".kbgen/media").iterdir()))


def test_an_image_two_threads_show_stays_for_the_other(gallery: Gallery) -> None:
    """Files are named by their content and counted by who names them."""
    gallery.server.route("/same.png", png())
    topic = forum_topic(2, "How do I dim a lamp?")
    topic["post_stream"]["posts"][1]["cooked"] += f"<p>{gallery.img('/same.png')}</p>"
    gallery.forum.write(topic)
    gallery.build()
    assert len(gallery.files()) == 1
    gallery.shows("no image")
    gallery.build()
    assert len(gallery.files()) == 1


def test_a_wide_image_links_to_its_own_size(gallery: Gallery) -> None:
    """And both are on the site; so an image of which nothing is said is called something."""
    gallery.server.route("/menu.png", png(size=(1500, 300)))
    gallery.shows(gallery.img("/menu.png", alt=""))
    assert gallery.build().code == 0
    found = re.search(r'<a class="kb-image" href="../../(assets/media/\w+\.webp)"><img [^>]*>', gallery.page())
    assert found is not None
    assert {'width="1200" height="240"', 'alt="Image"'} <= set(
        re.findall(r'width="\d+" height="\d+"|alt="\w+"', found[0])
    )
    assert (gallery.forum.site / found[1]).is_file()
    assert len(gallery.files()) == 2


def test_a_file_name_is_no_description(gallery: Gallery) -> None:
    """It is left out for screen readers, and the report counts it."""
    gallery.shows(gallery.img("/menu.png", alt="Screenshot 2026-01-02.png"))
    done = gallery.build()
    assert 'alt=""' in gallery.page()
    assert "1 images have no description in their posts" in gallery.stage(done)["notes"]


def test_hostile_descriptions_stay_text(gallery: Gallery) -> None:
    """Nothing leaves its attribute."""
    gallery.shows(gallery.img("/menu.png", alt="&quot; onload=&quot;alert(1)&quot;&gt;&lt;script&gt;"))
    assert gallery.build().code == 0
    assert 'alt="&quot; onload=&quot;alert(1)&quot;&gt;&lt;script&gt;"' in gallery.page()


def test_a_signature_is_used_and_never_shown(gallery: Gallery) -> None:
    """The address is known without it; it is on no page, in no message and in no table of its own."""

    def answer(request: Any) -> Any:
        return png() if request.query.get("X-Amz-Signature") == "c0ffee" else Canned(403)

    gallery.server.route("/upload/7", answer)
    gallery.shows(gallery.img(f"/upload/7?{SIGNED.replace('&', '&amp;')}"))
    done = gallery.build("-v")
    assert "<img class" in gallery.page()
    # It runs out; the copy stays.
    gallery.server.route("/upload/7", Canned(403))
    gallery.shows(gallery.img(f"/upload/7?{SIGNED.replace('c0ffee', 'decaf0')}"))
    done = gallery.build("-v")
    assert "<img class" in gallery.page()
    everything = done.out + done.err + "".join(data.decode("latin-1") for data in gallery.forum.tree().values())
    assert not re.search("c0ffee|decaf0|Amz", everything)
    gallery.forum.configure(media={})
    gallery.build()
    assert f'href="{gallery.server.url}/upload/7"' in gallery.page()
    assert "Amz" not in gallery.page()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Canned(404), "gone"),
        (Canned(410), "gone"),
        (Canned(403), "refused"),
        (Canned(500), "unreachable"),
        (Canned(200, {"Content-Type": "image/png"}, b"<html>Log in</html>"), "type"),
        (Canned(200, {"Content-Type": "image/png"}, b"<svg onload='alert(1)'/>"), "svg"),
        (Canned(200, {}, b"\x89PNG" + bytes(1_100_000)), "large"),
        (Canned(302, {"Location": "http://127.0.0.2:9/x.png"}), "private"),
        (Canned(302, {"Location": "http://[::1]:9/x.png"}), "private"),
        (Canned(302, {"Location": "file:///etc/passwd"}), "private"),
    ],
)
def test_what_cannot_be_had_stays_a_link(gallery: Gallery, answer: Canned, reason: str) -> None:
    """It is counted by its reason and fails no build."""
    gallery.mirror(max_megabytes=1)
    gallery.server.route("/menu.png", answer)
    done = gallery.build()
    assert done.code == 0, done.err
    assert {reason: 1} == gallery.stage(done)["rejected"]
    assert f'class="kb-image" href="{gallery.server.url}/menu.png"' in gallery.page()


def test_a_private_host_is_not_asked(gallery: Gallery) -> None:
    """An author names addresses, an operator does not: they lead nowhere inside."""
    gallery.forum.configure(http={"requests_per_second": 100, "patience": 0})
    done = gallery.build()
    assert ([], {"private": 1}) == (gallery.server.requests, gallery.stage(done)["rejected"])


def test_a_redirect_to_another_host_is_followed(gallery: Gallery) -> None:
    """Attachments live where their platform stores them; that host is judged like any other."""
    with FakeServer() as storage:
        storage.route("/blob", png("blue"))
        gallery.server.route("/menu.png", Canned(302, {"Location": f"{storage.url}/blob?{SIGNED}"}))
        assert gallery.build().code == 0
        assert ["/blob"] == storage.paths()
    assert "<img class" in gallery.page()


def test_a_loop_of_redirects_ends(gallery: Gallery) -> None:
    """After a few."""
    with FakeServer() as other:
        other.route("/b", Canned(302, {"Location": f"{gallery.server.url}/menu.png"}))
        gallery.server.route("/menu.png", Canned(302, {"Location": f"{other.url}/b"}))
        done = gallery.build()
    assert {"unreachable": 1} == gallery.stage(done)["rejected"]
    assert len(gallery.server.requests) < 5


def test_what_may_pass_is_tried_again_and_then_given_up(gallery: Gallery) -> None:
    """A refusal is asked about in five builds, although nothing else changed; what is gone, once."""
    gallery.server.route("/menu.png", Canned(403))
    asked = []
    for _ in range(7):
        gallery.build()
        asked.append(len(gallery.server.requests))
    assert [1, 1, 1, 1, 1, 0, 0] == asked
    gallery.server.route("/gone.png", Canned(404))
    gallery.shows(gallery.img("/gone.png"))
    gallery.build()
    gallery.build()
    assert gallery.server.requests == []


def test_a_host_that_is_down_is_not_asked_for_all_its_images(gallery: Gallery) -> None:
    """After three failures the rest waits for the next build, without counting as tried."""
    for number in range(9):
        gallery.server.route(f"/{number}.png", Canned(503))
    gallery.shows("".join(gallery.img(f"/{number}.png") for number in range(9)))
    done = gallery.build()
    assert (0, {"unreachable": 3}) == (done.code, gallery.stage(done)["rejected"])
    assert len({request.path for request in gallery.server.requests}) == 3


def test_all_copies_together_are_limited(gallery: Gallery) -> None:
    """What comes later stays a link, and the report says so."""
    noise = io.BytesIO()
    Image.effect_noise((1100, 1100), 90).save(noise, "PNG")
    for number in range(3):
        gallery.server.route(f"/{number}.png", Canned(200, {}, noise.getvalue() + bytes(number)))
    gallery.mirror(total_megabytes=1, max_megabytes=5)
    gallery.shows("".join(gallery.img(f"/{number}.png") for number in range(3)))
    done = gallery.build()
    assert 0 < gallery.page().count("<img class") < 3
    assert any("media.total_megabytes is 1" in note for note in gallery.stage(done)["notes"])


def test_new_settings_never_lose_an_image(gallery: Gallery) -> None:
    """They make it anew; where that cannot be done, it stays as it was."""
    gallery.server.route("/menu.png", png(size=(900, 300)))
    gallery.build()
    gallery.mirror(max_width=300)
    gallery.build()
    assert 'width="300" height="100"' in gallery.page()
    gallery.mirror(max_width=450)
    gallery.server.route("/menu.png", Canned(404))
    gallery.build()
    assert 'width="300" height="100"' in gallery.page()


def test_a_lost_copy_is_fetched_again(gallery: Gallery) -> None:
    """The folder may be deleted at any time."""
    gallery.build()
    for file in (gallery.forum.folder / ".kbgen/media").iterdir():
        file.unlink()
    gallery.shows(gallery.img("/menu.png") + " more")
    gallery.build()
    assert (["/menu.png"], 1) == (gallery.server.paths(), gallery.page().count("<img class"))


def test_an_image_that_links_to_itself_is_one(gallery: Gallery) -> None:
    """Forums wrap thumbnails in links to the whole image: that is what is shown."""
    gallery.server.route("/whole.png", png(size=(300, 200)))
    thumb = gallery.img("/thumb.png")
    gallery.shows(f'<a href="{gallery.server.url}/whole.png">{thumb}</a>')
    gallery.build()
    assert ["/whole.png"] == gallery.server.paths()
    assert 'width="300" height="200" alt="The menu"' in gallery.page()


def test_an_image_that_links_elsewhere_stays_a_link(gallery: Gallery) -> None:
    """Where it leads is what its author meant."""
    gallery.shows(f'<a href="https://shop.example.net/">{gallery.img("/menu.png")}</a>')
    gallery.build()
    assert gallery.server.requests == []
    assert '<a href="https://shop.example.net/" rel="ugc nofollow">The menu</a>' in gallery.page()


def test_a_sub_path_and_the_manifest(gallery: Gallery) -> None:
    """Images are named relative to their page: the site may lie anywhere."""
    gallery.forum.configure(site={"name": "Small help", "url": f"{SITE}help/"})
    assert gallery.build().code == 0
    assert 'src="../../assets/media/' in gallery.page()


def test_a_stopped_build_goes_on(gallery: Gallery) -> None:
    """Each image is kept as soon as it is there: Ctrl-C in the middle costs the one that was on its way."""
    for number, colour in enumerate(("red", "green", "blue", "black")):
        gallery.server.route(f"/{number}.png", png(colour))
    gallery.shows("".join(gallery.img(f"/{number}.png") for number in range(4)))
    running: list[subprocess.Popen[str]] = []

    def stop(_: Request) -> Canned:
        running[0].send_signal(signal.SIGINT)
        running[0].wait(60)
        return Canned(500)

    gallery.server.route("/2.png", stop)
    command = [sys.executable, "-m", "kbgen", "-C", str(gallery.forum.folder), "build", "--jobs", "1"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        running.append(child)
        said = child.communicate(timeout=120)[1]
    assert (130, True) == (child.returncode, "the next run goes on from there" in said)
    gallery.server.route("/2.png", png("blue"))
    assert gallery.build().code == 0
    assert (["/2.png", "/3.png"], 4) == (gallery.server.paths(), len(gallery.files()))
