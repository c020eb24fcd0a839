"""The policies that a store remembers: which was in force when, and the text of each."""

from __future__ import annotations

import json
import tempfile
import zlib
from collections.abc import AsyncIterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from mfa_gate.core.rules import ChangeRules
from mfa_gate.errors import SettingsError
from mfa_gate.factors import BUILT_IN
from mfa_gate.service import policy_archive as module
from mfa_gate.service.policy_archive import Entry, Kept, PolicyArchive
from mfa_gate.stores.memory import MemoryStore
from tests.harness import POLICY

TEXT = 'version = 1\nname = "kept"\n'


@pytest.fixture
async def archive() -> AsyncIterator[PolicyArchive]:
    """An archive in an open store."""
    store = MemoryStore()
    await store.open()
    yield PolicyArchive(store)
    await store.aclose()


def entry(at: int, digest: str, app: str = "shop") -> Entry:
    """Name a change."""
    return Entry(at=at, app=app, name="p", digest=digest * 8, by="x")


async def test_the_policy_of_a_moment(archive: PolicyArchive) -> None:
    """Each application has its newest change up to that second, by the order of rows."""
    for at, digest, app in ((10, "a", "shop"), (30, "b", "shop"), (20, "c", "shop"), (20, "d", "desk")):
        await archive.add(entry(at, digest, app))
    assert await archive.apps() == ("shop", "desk")
    assert [one.digest[0] for one in await archive.history("shop")] == ["a", "b", "c"]
    assert [one.at for one in await archive.history()] == [10, 20, 20, 30]
    for at, digests in ((9, ""), (10, "a"), (19, "a"), (20, "cd"), (30, "cd")):
        assert "".join(one.digest[0] for one in await archive.in_force_at(at)) == digests
    latest = await archive.latest("shop")
    assert latest is not None
    assert latest.digest[0] == "c"
    assert await archive.latest("none") is None


async def test_a_change_that_two_workers_wrote(archive: PolicyArchive, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same change twice is one, and the oldest changes make room."""
    for at, digest in ((1, "a"), (2, "a"), (3, "b"), (4, "a")):
        await archive.add(entry(at, digest))
    assert [one.at for one in await archive.history("shop")] == [1, 3, 4]
    monkeypatch.setattr(module, "MOST_ENTRIES", 2)
    await archive.add(entry(5, "c"))
    assert [one.at for one in await archive.history("shop")] == [4, 5]


async def test_a_policy_by_the_beginning_of_its_digest(archive: PolicyArchive) -> None:
    """Six characters that fit one policy name it; fewer, none and several are told apart."""
    await archive.add(Entry(at=1, app="shop", name="p", digest="abcdef1" + "0" * 57, by="x"))
    await archive.add(Entry(at=2, app="shop", name="q", digest="abcdef2" + "0" * 57, by="x"))
    assert (await archive.find(" ABCDEF1 ")).startswith("abcdef1")
    for beginning, line in (("abcde", "at least the first 6"), ("abcdef", "2 policies"), ("abcdef3", "no policies")):
        with pytest.raises(ValueError, match=line):
            await archive.find(beginning)
    waiting = replace(POLICY, digest="f" * 64, text=TEXT)
    await archive.keep(waiting)
    assert await archive.find("f" * 64) == "f" * 64
    with pytest.raises(ValueError, match="no policies"):
        await archive.find("f" * 63)


@pytest.mark.parametrize(
    ("first", "second", "end"), [(0, 50, 0), (50, 0, 0), (50, 60, 60), (60, 50, 60), (50, 50, 50), (0, 0, 0)]
)
async def test_the_end_of_a_text(archive: PolicyArchive, first: int, second: int, end: int) -> None:
    """An earlier end never takes the place of a later one, and 0 is for good."""
    policy = replace(POLICY, text=TEXT)
    await archive.keep(policy, until=first)
    await archive.keep(policy, until=second)
    document = await archive._document(policy.digest)
    assert document is not None
    assert document["until"] == end


async def test_only_a_policy_that_was_never_in_force_ends(archive: PolicyArchive) -> None:
    """The text of a policy that was once in force stays."""
    waited, worked = (replace(POLICY, text=TEXT, digest=one * 64) for one in "ab")
    for policy in (waited, worked):
        await archive.keep(policy)
        if policy is worked:
            await archive.add(replace(entry(1, "b"), digest=policy.digest))
        await archive.end(policy.digest, until=70)
    ends = [(await archive._document(policy.digest) or {}).get("until") for policy in (waited, worked)]
    assert ends == [70, 0]
    await archive.end("c" * 64, until=70)
    assert await archive.text_of("c" * 64) is None


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/dev/shm/no-such-folder/evil"])
def test_no_file_of_a_kept_policy_leaves_its_folder(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that was altered in the store writes nothing elsewhere."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    kept = Kept(name="p", digest="0" * 64, text=TEXT, files={"in/side.txt": b"x", name: b"evil"})
    with pytest.raises(SettingsError, match="lies outside"):
        kept.policy(BUILT_IN)
    assert list(tmp_path.rglob("*")) == []
    assert not Path("/dev/shm/no-such-folder/evil").exists()
    files = dict.fromkeys(("in/side.txt", "in/a/b/deep.txt", "in/other.txt", "top.txt"), b"x")
    assert Kept(name="p", digest="0" * 64, text=TEXT, files=files).policy(BUILT_IN).name == "kept"
    with pytest.raises(SettingsError, match=r"(?<!0)0{12}(?!0)"):
        Kept(name="p", digest="0" * 64, text="no TOML", files={}).policy(BUILT_IN)


@pytest.mark.parametrize(
    ("text", "looser", "approvals"),
    [
        ("[change]\nlooser = 'approve'", "approve", 1),
        ("[change]\nlooser = 'approve'\napprovals = 2", "approve", 2),
        ("[change]\nlooser = 'approve'\napprovals = 'x'", "tell", 1),
        ("version = 1", "tell", 1),
        ("change = 1", "tell", 1),
        ("no TOML", "tell", 1),
    ],
)
def test_the_approvals_that_a_text_asks_for(text: str, looser: str, approvals: int) -> None:
    """They are read from a text that this version does not take, too."""
    change = Kept(name="p", digest="0" * 64, text=text, files={}).change
    assert (change.looser, change.approvals) == (looser if looser == "approve" else ChangeRules().looser, approvals)


async def test_a_text_of_an_older_release_is_for_good(archive: PolicyArchive) -> None:
    """It names no end."""
    policy = replace(POLICY, text=TEXT)
    await archive._put(policy.digest, {"name": "p", "text": TEXT, "files": {}}, 0)
    document = await archive._document(policy.digest)
    assert document is not None
    del document["until"]
    body = zlib.compress(json.dumps(document).encode())
    await archive._notes.put_meta(f"policy:text:{policy.digest}", body)
    await archive.keep(policy, until=50)
    assert await archive._document(policy.digest) == document


async def test_the_longest_history(archive: PolicyArchive) -> None:
    """Two thousand changes of one application are kept."""
    rows = [asdict(entry(n, f"{n:08}")) for n in range(2000)]
    await archive._notes.put_meta("policy:apps", b'["shop"]')
    await archive._notes.put_meta("policy:history@shop", json.dumps(rows).encode())
    await archive.add(entry(2000, "ffffffff"))
    kept = await archive.history("shop")
    assert (len(kept), kept[0].at, kept[-1].at) == (2000, 1, 2000)
