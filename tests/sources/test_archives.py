"""Rules of ``kbgen.sources.archives``."""

import collections
import gzip
import io
import random
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path

import py7zr
import pytest
import zstandard
from source_builders import tar_bytes

from kbgen.errors import RecordError, SourceError, SourceTruncated
from kbgen.sources.archives import Member, Spot, archive_signature, read_members, revisit, unpacked_seven_zip

MEMBERS = {"b/2.json": b"two", "a/1.json": b"one"}


def packed(kind: str, data: bytes) -> bytes:
    """Compress a tar file."""
    pack: dict[str, Callable[[bytes], bytes]] = {
        "plain": bytes,
        "gzip": gzip.compress,
        "zstd": zstandard.ZstdCompressor().compress,
    }
    return pack[kind](data)


@pytest.mark.parametrize("kind", ["plain", "gzip", "zstd"])
def test_a_tar_file_comes_in_its_own_order(kind: str, tmp_path: Path) -> None:
    """Members of a tar file are streamed as they stand in it, whatever its compression and name."""
    file = tmp_path / "topics.bin"
    file.write_bytes(packed(kind, tar_bytes(MEMBERS)))
    assert plain(read_members(file, ".json")) == [("b/2.json", b"two"), ("a/1.json", b"one")]


def plain(members: Iterable[Member | RecordError]) -> list[tuple[str, bytes]]:
    """Names and bytes of what could be read."""
    return [member[:2] for member in members if isinstance(member, Member)]


def test_members_of_a_plain_tar_file_are_read_again_from_their_place(tmp_path: Path) -> None:
    """What a first pass found and could not read comes again in its order; a file that shrank since is cut."""
    file = tmp_path / "topics.tar"
    file.write_bytes(tar_bytes(MEMBERS | {"long.json": b"x" * 2_000}))
    found = list(read_members(file, ".json", cap=1_000))
    spots = [Spot(one.name, one.at, len(one.data)) if isinstance(one, Member) else one for one in found]
    assert list(revisit(file, spots)) == found
    file.write_bytes(file.read_bytes()[:514])
    with pytest.raises(SourceTruncated, match="changed while it was read"):
        list(revisit(file, spots))


def any_tar(form: int, numbers: random.Random) -> bytes:
    """A tar file of one format with members of every kind, most of them plain files."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for number in range(40):
            kind = numbers.choice(["file"] * 8 + ["deep", "name", "hidden", "time", "folder", "link", "large"])
            names = {"deep": f"{'d' * 60}/{'e' * 60}{number}.json", "hidden": ".h.json", "name": f"é{number}.json"}
            info = tarfile.TarInfo(names.get(kind, f"./f{number}.JSON"))
            data = numbers.randbytes(2_000 if kind == "large" else numbers.choice([0, 1, 511, 512, 513]))
            info.size = len(data) if kind not in {"folder", "link"} else 0
            info.type = {"folder": tarfile.DIRTYPE, "link": tarfile.SYMTYPE}.get(kind, tarfile.REGTYPE)
            info.mtime = 1.5 if kind == "time" and form == tarfile.PAX_FORMAT else 1
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def told(file: Path) -> list[object]:
    """All that comes of a tar file, its end among it."""
    found: list[object] = []
    try:
        members = read_members(file, ".json", cap=1_500)
        found.extend(str(one) if isinstance(one, RecordError) else one for one in members)
    except (SourceError, SourceTruncated) as error:
        found.append(str(error))
    return found


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_plain_headers_are_read_as_the_standard_library_reads_them(
    form: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Members of every kind in three formats, whole, with a damaged byte, and cut short."""
    numbers = random.Random(form)  # noqa: S311
    for case in range(60):
        data = any_tar(form, numbers)
        if case % 3 == 1:
            place = numbers.randrange(0, len(data) // 512) * 512 + numbers.choice([0, 99, 124, 135, 148, 156, 345, 400])
            data = data[:place] + numbers.choice([b"\0", b"5", b"x", b" ", b"\xff", b"-"]) + data[place + 1 :]
        elif case % 3 == 2:
            data = data[: numbers.randrange(len(data))]
        (tmp_path / "topics.tar").write_bytes(data)
        found = told(tmp_path / "topics.tar")
        with monkeypatch.context() as patched:
            patched.setattr("kbgen.sources.archives._plain_members", lambda *_: iter(()))
            assert told(tmp_path / "topics.tar") == found, case


def test_a_member_one_cannot_go_back_to_says_so(tmp_path: Path) -> None:
    """Members of a compressed tar file and of a folder have no place of their own."""
    (tmp_path / "topics.tar").write_bytes(packed("zstd", tar_bytes(MEMBERS)))
    (tmp_path / "topics").mkdir()
    (tmp_path / "topics" / "1.json").write_bytes(b"one")
    read = [*read_members(tmp_path / "topics.tar", ".json"), *read_members(tmp_path / "topics", ".json")]
    assert [member.at for member in read if isinstance(member, Member)] == [-1, -1, -1]


def test_a_folder_comes_in_path_order(tmp_path: Path) -> None:
    """Files of a folder come sorted by path, only those with the wanted suffix and none that is hidden."""
    for name in ("b/2.json", "a/1.JSON", "a/note.txt", "a/.hidden.json", ".git/3.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    names = [member.name for member in read_members(tmp_path, ".json") if isinstance(member, Member)]
    assert names == ["a/1.JSON", "b/2.json"]


def test_links_are_not_followed(tmp_path: Path) -> None:
    """A link in a folder or a tar file is left out, wherever it leads."""
    secret = tmp_path / "secret.json"
    secret.write_bytes(b"secret")
    folder = tmp_path / "topics"
    folder.mkdir()
    (folder / "1.json").symlink_to(secret)
    (folder / "more").symlink_to(tmp_path)
    (folder / "2.json").write_bytes(b"open")
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name in ("1.json", "2.json", "more"):
            tar.add(folder / name, name)
    (tmp_path / "topics.tar").write_bytes(stream.getvalue())
    for archive in (folder, tmp_path / "topics.tar"):
        assert [("2.json", b"open")] == [
            (one.name, one.data) for one in read_members(archive, ".json") if isinstance(one, Member)
        ]


def test_an_archive_without_a_wanted_file_is_none(tmp_path: Path) -> None:
    """A path one folder off, or a recording that was never made, is no community whose threads have all gone."""
    folder, tar = tmp_path / "topics", tmp_path / "empty.tar"
    folder.mkdir()
    with tarfile.open(tar, "w"):
        pass
    with pytest.raises(SourceError, match=r"topics: has no \.json file; check the path, or record it first"):
        list(read_members(folder, ".json"))
    with pytest.raises(SourceError, match=r"empty\.tar: has no \.json file; check the path"):
        list(read_members(tar, ".json"))
    tar.rename(folder / "topics.tar")
    with pytest.raises(SourceError, match=r"name the archive in it, .*topics\.tar"):
        list(read_members(folder, ".json"))


@pytest.mark.parametrize("form", ["folder", "tar"])
def test_a_huge_member_is_an_error_and_not_read(form: str, tmp_path: Path) -> None:
    """A member over the cap becomes an error that names it, and reading goes on after it."""
    path = tmp_path / "topics"
    if form == "folder":
        path.mkdir()
        (path / "1.json").write_bytes(b"x" * 2_000)
        (path / "2.json").write_bytes(b"fine")
    else:
        path.write_bytes(tar_bytes({"1.json": b"x" * 2_000, "2.json": b"fine"}))
    error, member = read_members(path, ".json", cap=1_000)
    assert isinstance(error, RecordError)
    assert (error.place.endswith("1.json"), plain([member])) == (True, [("2.json", b"fine")])
    assert "2,000 bytes, over the limit of 1,000" in error.problem


@pytest.mark.parametrize("kind", ["plain", "gzip", "zstd"])
@pytest.mark.parametrize("part", [0.3, 0.5, 0.75, 0.9])
def test_a_cut_tar_file_gives_what_is_whole_and_says_so(kind: str, part: float, tmp_path: Path) -> None:
    """A tar file that ends anywhere in the middle raises SourceTruncated after its whole members."""
    noise = random.Random(7)  # noqa: S311 - noise that does not compress
    members = {f"{number}.json": noise.randbytes(10_000) for number in range(40)}
    data = packed(kind, tar_bytes(members))
    file = tmp_path / "cut.tar"
    file.write_bytes(data[: int(len(data) * part)])
    seen: list[Member | RecordError] = []
    with pytest.raises(SourceTruncated, match=r"cut\.tar: ends in the middle, after [0-9]+ whole members"):
        collections.deque(map(seen.append, read_members(file, ".json")))
    assert list(members.items())[: len(seen)] == plain(seen)
    assert len(seen) < 40


def test_a_tar_file_cut_between_two_members_is_noticed(tmp_path: Path) -> None:
    """Without its closing blocks of zeros a tar file counts as cut even at a member's end."""
    file = tmp_path / "cut.tar"
    file.write_bytes(tar_bytes(MEMBERS)[:1024])
    with pytest.raises(SourceTruncated):
        list(read_members(file, ".json"))


@pytest.mark.parametrize(
    "data", [b"<html>sign in</html>" * 100, b"PK\x03\x04" + b"x" * 900, b"7z\xbc\xaf\x27\x1c" * 200]
)
def test_a_file_that_is_no_archive_is_a_source_error(data: bytes, tmp_path: Path) -> None:
    """Something else under the archive's name is refused as a whole."""
    file = tmp_path / "topics.tar"
    file.write_bytes(data)
    with pytest.raises(SourceError, match="is not a tar file") as caught:
        list(read_members(file, ".json"))
    assert not isinstance(caught.value, SourceTruncated)


@pytest.mark.parametrize(
    "call", [lambda path: list(read_members(path, ".json")), lambda path: archive_signature(path, "")]
)
def test_a_missing_archive_is_a_source_error(call: Callable[[Path], object], tmp_path: Path) -> None:
    """A path that leads nowhere is named, with what it is relative to."""
    with pytest.raises(SourceError, match=r"gone: no such file or folder.*relative to the project folder"):
        call(tmp_path / "gone")


def test_the_signature_moves_with_a_file(tmp_path: Path) -> None:
    """Adding a wanted file moves a folder's signature, an unwanted one does not."""
    (tmp_path / "1.json").write_bytes(b"one")
    before = archive_signature(tmp_path, ".json")
    (tmp_path / "note.txt").write_bytes(b"note")
    beside = archive_signature(tmp_path, ".json")
    (tmp_path / "2.json").write_bytes(b"two")
    assert (before == beside, before == archive_signature(tmp_path, ".json")) == (True, False)


def seven_zip(file: Path, members: dict[str, bytes]) -> Path:
    """A 7z archive of these members."""
    with py7zr.SevenZipFile(file, "w") as archive:
        for name, data in members.items():
            archive.writestr(data, name)
    return file


def test_the_wanted_members_of_a_7z_are_unpacked_and_removed(tmp_path: Path) -> None:
    """Wanted members lie in a temporary folder under their base names, and are gone afterwards."""
    file = seven_zip(tmp_path / "x.7z", {"site/Posts.xml": b"<posts/>", "Badges.xml": b"<badges/>"})
    with unpacked_seven_zip(file, lambda name: name == "Posts.xml") as folder:
        assert (folder / "Posts.xml").read_bytes() == b"<posts/>"
        assert not (folder / "Badges.xml").exists()
    assert not folder.exists()


def test_a_link_in_a_7z_is_not_followed(tmp_path: Path) -> None:
    """A member that is a link does not stand for the file it leads to."""
    (tmp_path / "secret.xml").write_bytes(b"secret")
    (tmp_path / "Posts.xml").symlink_to("secret.xml")
    with py7zr.SevenZipFile(tmp_path / "x.7z", "w") as archive:
        archive.write(tmp_path / "Posts.xml", "Posts.xml")
    try:
        with unpacked_seven_zip(tmp_path / "x.7z", lambda name: name == "Posts.xml") as folder:
            found = (folder / "Posts.xml").is_symlink()
    except SourceError:
        found = False
    assert not found


@pytest.mark.parametrize("harm", ["cut", "html", "middle"])
def test_a_damaged_7z_is_a_source_error(harm: str, tmp_path: Path) -> None:
    """What is no 7z archive, or a broken one, is named with what to do."""
    file = seven_zip(tmp_path / "x.7z", {"Posts.xml": b"<posts>" + bytes(range(256)) * 500})
    data = file.read_bytes()
    broken = {"cut": data[: len(data) // 2], "html": b"<html>", "middle": data[:200] + b"\0" * 50 + data[250:]}
    file.write_bytes(broken[harm])
    with (
        pytest.raises(SourceError, match=r"x\.7z: is (not a|a damaged) 7z archive.*download it again"),
        unpacked_seven_zip(file, lambda _: True),
    ):
        pass
