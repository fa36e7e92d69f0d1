"""Pictures in archives and folders: what they mean, and that nothing in them is trusted."""

import io
import struct
import tarfile
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image

from dl_core.data.dataset import Dataset
from dl_core.data.importing import import_file
from dl_core.data.readers.archive import inside
from dl_core.data.readers.images import places
from dl_core.errors import DataError, ReadError


def picture(seed=0, size=(20, 16), format="PNG", **options) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, format, **options)
    return content.getvalue()


def zipped(path, members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items() if isinstance(members, dict) else members:
            archive.writestr(name, content)
    return path


def taken(path, tmp_path, name="dataset", **options) -> Dataset:
    return Dataset(import_file(path, tmp_path / name, **options))


def said(dataset) -> str:
    return " ".join(problem["message"] for problem in dataset.meta["problems"])


def png_that_claims(width, height) -> bytes:
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


ANIMALS = {f"{animal}/{n}.png": picture(10 * n + len(animal)) for animal in ("cat", "mouse") for n in range(3)}


def test_a_folder_for_each_class_becomes_the_label(tmp_path):
    dataset = taken(zipped(tmp_path / "animals.zip", ANIMALS), tmp_path)
    frame = dataset.table()
    assert dataset.modality == "image"
    assert frame["file"].tolist() == list(ANIMALS)
    assert frame["label"].tolist() == ["cat"] * 3 + ["mouse"] * 3
    assert dataset.file("cat/1.png").read_bytes() == ANIMALS["cat/1.png"]
    assert (dataset.meta["guess"]["task"], dataset.meta["guess"]["targets"]) == ("classification", ["label"])


def test_a_folder_and_a_tar_say_the_same_as_a_zip(tmp_path):
    folder = tmp_path / "animals"
    for name, content in ANIMALS.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    with tarfile.open(tmp_path / "animals.tar.gz", "w:gz") as archive:
        archive.add(folder, "animals")
    of_zip = taken(zipped(tmp_path / "animals.zip", ANIMALS), tmp_path, "zip").table()
    of_folder = taken(folder, tmp_path, "folder").table()
    of_tar = taken(tmp_path / "animals.tar.gz", tmp_path, "tar").table()
    assert of_folder.equals(of_zip)
    assert sorted(of_tar["label"]) == sorted(of_zip["label"])


@pytest.mark.parametrize(
    ("paths", "labels", "split"),
    [
        (["set/cat/1.png", "set/dog/2.png"], ["cat", "dog"], [None, None]),
        (["set/train/cat/1.png", "set/test/dog/2.png"], ["cat", "dog"], ["train", "test"]),
        (["Training/cat/1.png", "val/cat/2.png"], ["cat", "cat"], ["train", "valid"]),
        (["train/1.png", "test/2.png"], [None, None], ["train", "test"]),
        (["1.png", "2.png"], [None, None], [None, None]),
        (["cat/a/1.png", "dog/b/2.png"], ["cat", "dog"], [None, None]),
    ],
)
def test_folders_name_the_class_and_the_part(paths, labels, split):
    assert places(paths) == (labels, split)


def test_pictures_with_masks_are_no_two_classes(tmp_path):
    members = {f"{folder}/{n}.png": picture(n, (30, 30)) for folder in ("images", "masks") for n in range(5)}
    assert "pictures with masks" in said(taken(zipped(tmp_path / "a.zip", members), tmp_path))
    assert "pictures with masks" not in said(taken(zipped(tmp_path / "b.zip", ANIMALS), tmp_path, "other"))


def test_top_folders_called_train_and_test_become_the_split(tmp_path):
    members = {f"{part}/{name}": content for part in ("train", "test") for name, content in ANIMALS.items()}
    dataset = taken(zipped(tmp_path / "a.zip", members), tmp_path)
    assert dataset.schema["split"].role == "split"
    assert dataset.meta["guess"]["split"] == {"kind": "column", "column": "split"}


MANIFEST = "image,weight,sort\nmouse_2,1.5,b\ncat_0.png,2.5,a\nsub/cat_1.png,3.5,a\ngone.png,9,b\n"
FLAT = {"pictures/cat_0.png": picture(1), "pictures/cat_1.png": picture(2), "pictures/mouse_2.png": picture(3)}


def test_a_table_inside_names_the_pictures(tmp_path):
    dataset = taken(zipped(tmp_path / "a.zip", {**FLAT, "labels.csv": MANIFEST}), tmp_path)
    frame = dataset.table()
    assert frame["file"].tolist() == ["pictures/mouse_2.png", "pictures/cat_0.png", "pictures/cat_1.png"]
    assert frame["weight"].tolist() == [1.5, 2.5, 3.5]
    assert "'gone.png'" in said(dataset)


def test_rows_of_different_pictures_are_no_copies_even_where_the_table_says_the_same_of_them(tmp_path):
    lines = ["image,sort,bright", *(f"cat_{n},a,yes" for n in range(4)), "cat_0,a,yes"]
    members = {f"cat_{n}.png": picture(n, (30, 30)) for n in range(4)}
    dataset = taken(zipped(tmp_path / "a.zip", {**members, "labels.csv": "\n".join(lines).encode()}), tmp_path)
    assert dataset.n_rows == 5
    assert dataset.profile["duplicates"] == 1


def test_a_table_beside_names_the_pictures(tmp_path):
    (tmp_path / "labels.csv").write_text(MANIFEST)
    dataset = taken(tmp_path / "labels.csv", tmp_path, images=zipped(tmp_path / "a.zip", FLAT))
    assert dataset.modality == "image"
    assert dataset.table()["sort"].tolist() == ["b", "a", "a"]


def test_a_table_that_names_no_picture_is_refused(tmp_path):
    (tmp_path / "labels.csv").write_text("a,b\n1,2\n3,4\n")
    with pytest.raises(ReadError, match="No column of labels.csv names the pictures"):
        taken(tmp_path / "labels.csv", tmp_path, images=zipped(tmp_path / "a.zip", FLAT))


def test_a_zip_of_one_table_is_that_table(tmp_path):
    dataset = taken(zipped(tmp_path / "a.zip", {"data/t.csv": "a,b\n1,2\n3,4\n", "readme.md": "hello"}), tmp_path)
    assert dataset.modality == "table"
    assert dataset.schema.names == ("a", "b")


def test_one_picture_alone_can_be_read(tmp_path):
    (tmp_path / "cat.jpg").write_bytes(picture(format="JPEG"))
    assert taken(tmp_path / "cat.jpg", tmp_path).table()["file"].tolist() == ["cat.jpg"]


def test_what_computers_leave_in_archives_is_no_picture(tmp_path):
    junk = {"__MACOSX/cat/._1.png": b"x", "cat/.DS_Store": b"x", "cat/Thumbs.db": b"x"}
    assert taken(zipped(tmp_path / "a.zip", {**ANIMALS, **junk}), tmp_path).n_rows == 6


def test_broken_pictures_are_left_out_and_named(tmp_path):
    broken = {
        "cat/cut.png": ANIMALS["cat/0.png"][:-400],
        "cat/cut.jpg": picture(format="JPEG", size=(200, 200))[:-3000],
        "cat/words.png": b"no picture at all",
        "cat/vast.png": png_that_claims(20_000, 20_000),
    }
    dataset = taken(zipped(tmp_path / "a.zip", {**ANIMALS, **broken}), tmp_path)
    assert dataset.n_rows == 6
    assert all(name in said(dataset) for name in broken)
    assert "million" in said(dataset)


def test_a_picture_under_another_extension_is_known_by_its_content(tmp_path):
    members = {**ANIMALS, "cat/odd.dat": picture(77)}
    assert taken(zipped(tmp_path / "a.zip", members), tmp_path).n_rows == 7


def test_same_pictures_are_stored_once(tmp_path):
    dataset = taken(zipped(tmp_path / "a.zip", {**ANIMALS, "mouse/copy.png": ANIMALS["cat/0.png"]}), tmp_path)
    assert dataset.n_rows == 7
    assert len(list((dataset.folder / "files").iterdir())) == 6
    assert dataset.profile["images"]["doubled"] == [["cat/0.png", "mouse/copy.png"]]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("a/b.png", "a/b.png"),
        ("a\\b.png", "a/b.png"),
        ("./a//b.png", "a/b.png"),
        ("../b.png", None),
        ("a/../../b.png", None),
        ("/etc/passwd", None),
        ("C:\\x.png", None),
        ("", None),
    ],
)
def test_only_paths_that_stay_inside_count(name, path):
    assert inside(name) == path


def test_paths_that_climb_and_links_and_doubles_are_left_out_and_named(tmp_path):
    link = zipfile.ZipInfo("cat/link.png")
    link.external_attr = 0o120777 << 16
    members = [*ANIMALS.items(), ("../up.png", picture(5)), ("/abs.png", picture(6)), (link, b"/etc/passwd")]
    dataset = taken(zipped(tmp_path / "a.zip", [*members, ("CAT/0.png", picture(7))]), tmp_path)
    assert dataset.n_rows == 6
    assert all(name in said(dataset) for name in ("../up.png", "/abs.png", "cat/link.png", "CAT/0.png"))


def test_links_out_of_a_folder_are_not_followed(tmp_path):
    (tmp_path / "secret.png").write_bytes(picture(9))
    folder = tmp_path / "set"
    for name, content in ANIMALS.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    (folder / "cat" / "link.png").symlink_to(tmp_path / "secret.png")
    dataset = taken(folder, tmp_path)
    assert dataset.n_rows == 6
    assert "link.png" in said(dataset)


def test_a_zip_bomb_is_refused_by_what_comes_out_of_it(tmp_path, monkeypatch):
    monkeypatch.setattr("dl_core.data.readers.archive.RATIO_FLOOR_BYTES", 1 << 20)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("t.csv", "0" * (8 << 20))
    with pytest.raises(ReadError, match="bomb"):
        taken(tmp_path / "a.zip", tmp_path)
    assert not (tmp_path / "dataset").exists()


def test_too_many_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("dl_core.data.readers.archive.MEMBER_LIMIT", 4)
    with pytest.raises(ReadError, match="more than 4 files"):
        taken(zipped(tmp_path / "a.zip", ANIMALS), tmp_path)


def test_a_password_is_said(tmp_path):
    content = bytearray(zipped(tmp_path / "a.zip", {"cat/1.png": ANIMALS["cat/0.png"]}).read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.find(signature) + offset] |= 1
    (tmp_path / "b.zip").write_bytes(bytes(content))
    with pytest.raises(ReadError, match="password"):
        taken(tmp_path / "b.zip", tmp_path)


@pytest.mark.parametrize("cut", [30, 200])
def test_a_damaged_archive_is_said(tmp_path, cut):
    content = zipped(tmp_path / "a.zip", ANIMALS).read_bytes()
    (tmp_path / "b.zip").write_bytes(content[:-cut])
    with pytest.raises(ReadError, match="damaged"):
        taken(tmp_path / "b.zip", tmp_path)


def test_one_damaged_member_does_not_lose_the_others(tmp_path):
    content = bytearray(zipped(tmp_path / "a.zip", ANIMALS).read_bytes())
    place = content.find(ANIMALS["cat/1.png"])
    content[place + 40 : place + 60] = bytes(20)
    (tmp_path / "b.zip").write_bytes(bytes(content))
    dataset = taken(tmp_path / "b.zip", tmp_path)
    assert dataset.n_rows == 5
    assert "cat/1.png" in said(dataset)


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ({"readme.md": "x"}, "no pictures and no table"),
        ({"a.csv": "a\n1\n", "b.csv": "a\n1\n"}, "holds 2 tables"),
        ({"x/1.heic": "x" * 99}, "heic"),
        ({"x/1.png": "broken", "x/2.png": "broken"}, "No picture of the upload can be used"),
    ],
)
def test_an_archive_without_anything_to_learn_from_is_said(tmp_path, members, sentence):
    with pytest.raises(ReadError, match=sentence):
        taken(zipped(tmp_path / "a.zip", members), tmp_path)


def test_pictures_for_a_model_need_no_label(tmp_path):
    trained = taken(zipped(tmp_path / "a.zip", ANIMALS), tmp_path)
    schema = trained.schema.edited({"label": {"role": "target"}})
    new = taken(zipped(tmp_path / "b.zip", FLAT), tmp_path, "new", schema=schema)
    assert new.meta["absent"] == ["label"]
    assert new.table()["file"].tolist() == list(FLAT)
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="'file'"):
        taken(tmp_path / "t.csv", tmp_path, "none", schema=schema)


def test_turned_and_moving_pictures_are_noted(tmp_path):
    frames = io.BytesIO()
    images = [Image.fromarray(np.full((20, 20), shade, np.uint8)) for shade in (0, 99, 200)]
    images[0].save(frames, "GIF", save_all=True, append_images=images[1:])
    exif = Image.Exif()
    exif[0x0112] = 6
    members = {"cat/moving.gif": frames.getvalue(), "cat/turned.jpg": picture(format="JPEG", exif=exif), **ANIMALS}
    dataset = taken(zipped(tmp_path / "a.zip", members), tmp_path)
    assert "1 of 8 pictures are turned upright" in said(dataset)
    assert "1 of 8 pictures have several frames" in said(dataset)
