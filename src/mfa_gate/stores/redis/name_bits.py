"""Bits that tell which strings of the index of names cannot have a word.

Every four strings with all their places taken are a block. For each three bytes in a row of its texts a block has a bit, in a row
of bits for that group of bytes. So the rows of a word's groups, taken together, leave a few blocks, and only these are
read. A bit says that a word may be there, never that it is: somebody whose name changes moves to the end of the index,
where no bits are yet, and their old bits stay. Rows of 512 blocks are one key of half a megabyte.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from ...errors import StoreUnavailable
from .lua import BLOCK, DEMAND, HEAD, NAMES_IN_ONE
from .names import TenantKeys
from .scripts import Script
from .session import Session

log = logging.getLogger("mfa_gate")

ROWS, ROW = 8_191, 512
"""Rows of a key, and the blocks of a row. A prime number spreads the groups of bytes over all rows."""
PEOPLE = BLOCK * NAMES_IN_ONE
LEAST = 8_192
"""People from whom on bits are worth their room; fewer are looked through in some milliseconds."""
_GROUPS = 8
"""The most groups of a word that are looked at."""
_MADE_AT_ONCE = 4
"""Blocks whose bits one script makes, in some milliseconds. It divides ``ROW``."""
_MADE_FOR = 0.25
"""Seconds that one search makes missing bits for."""

MAKE = Script(
    DEMAND
    + "demand('hash', KEYS[1], KEYS[2])\ndemand('string', KEYS[3])"
    + HEAD
    + """
local known = redis.call('HMGET', KEYS[1], 'with_bits', 'indexed')
if (known[1] or '0') ~= ARGV[2] then return {'lost'} end
local first, rows, row = tonumber(ARGV[2]), tonumber(ARGV[4]), tonumber(ARGV[5])
local last = math.min(first + tonumber(ARGV[3]), math.floor((tonumber(known[2]) or 0) / PEOPLE)) - 1
if last < first then return {'done'} end
demand_leave('BITFIELD', KEYS[3], 'SET', 'u1', 0, 1)
if redis.call('STRLEN', KEYS[3]) == 0 then redis.call('SETBIT', KEYS[3], rows * row - 1, 0) end
for block = first, last do
  local strings, seen, sets = {}, {}, {}
  for i = 0, BLOCK - 1 do strings[i + 1] = string.format('%d', block * BLOCK + i) end
  for _, all in ipairs(redis.call('HMGET', KEYS[2], unpack(strings))) do
    for text in string.gmatch(all or '', '%z([^\\1]*)\\1') do
      for i = 1, #text - 2 do
        local a, b, c = string.byte(text, i, i + 2)
        seen[(a * 3481 + b * 59 + c) % rows] = true
      end
    end
  end
  for group in pairs(seen) do
    sets[#sets + 1], sets[#sets + 2], sets[#sets + 3] = 'SET', 'u1', group * row + block % row
    sets[#sets + 1] = 1
  end
  for at = 1, #sets, 1000 do redis.call('BITFIELD', KEYS[3], unpack(sets, at, math.min(at + 999, #sets))) end
end
redis.call('HSET', KEYS[1], 'with_bits', string.format('%d', last + 1))
return {'more'}
""".replace("PEOPLE", str(PEOPLE)).replace("BLOCK", str(BLOCK))
)
"""Keys: head, names, bits. Arguments: store, blocks that have bits, how many more to make, rows of a key, blocks of a row."""

READ = Script(
    HEAD
    + """
local found, size = {'done'}, tonumber(ARGV[2]) / 8
for i = 3, #ARGV do
  local parts = {}
  for key = 2, #KEYS do
    parts[key - 1] = redis.call('GETRANGE', KEYS[key], ARGV[i] * size, (ARGV[i] + 1) * size - 1)
  end
  found[#found + 1] = table.concat(parts)
end
return found
"""
)
"""Keys: head, all keys of bits. Arguments: store, blocks of a row, rows. The rows, each over all keys."""


async def make(session: Session, keys: TenantKeys, placed: int, made: int) -> int:
    """Make bits that are missing, for a while.

    ``placed`` is the number of places in the index of names, ``made`` the blocks that have bits. Returns how many have them.
    """
    if made * PEOPLE > placed:
        return 0  # they are of an index that is gone
    until = time.monotonic() + _MADE_FOR
    while placed >= LEAST and made < placed // PEOPLE and time.monotonic() < until:
        arguments = (session.store_id, made, _MADE_AT_ONCE, ROWS, ROW)
        try:
            reply = await session.run(MAKE, [keys.head, keys.names, keys.bits(made // ROW)], *arguments)
        except StoreUnavailable as error:
            log.info("the bits of the index of names are not complete yet: %s", error)
            break
        if reply[0] != b"more":
            break
        made = min(made + _MADE_AT_ONCE, placed // PEOPLE)
    return made


async def strings_with(session: Session, keys: TenantKeys, word: str, *, placed: int, made: int) -> Sequence[int]:
    """Return the strings of the index of names that may have the word."""
    last = placed // NAMES_IN_ONE + 1
    rows = _rows_of(word)
    if not rows or not made:
        return range(last)
    names = [keys.bits(number) for number in range((made - 1) // ROW + 1)]
    _, *found = await session.run(READ, [keys.head, *names], session.store_id, ROW, *rows, writes=False)
    size = len(names) * ROW
    if len(found) != len(rows) or any(len(row) * 8 != size for row in found):
        return range(last)  # a key of bits is gone: all strings are read
    all_of = int.from_bytes(found[0])
    for row in found[1:]:
        all_of &= int.from_bytes(row)
    blocks = _ones(f"{all_of:0{size}b}"[:made])
    return [*(block * BLOCK + at for block in blocks for at in range(BLOCK)), *range(made * BLOCK, last)]


def _rows_of(word: str) -> list[int]:
    """Return the rows of some groups of a word, from all of its parts."""
    text = word.encode()
    groups = dict.fromkeys((a * 3481 + b * 59 + c) % ROWS for a, b, c in zip(text, text[1:], text[2:], strict=False))
    rows = list(groups)
    return rows[:: max(1, -(-len(rows) // _GROUPS))]


def _ones(bits: str) -> list[int]:
    found, at = list[int](), bits.find("1")
    while at >= 0:
        found.append(at)
        at = bits.find("1", at + 1)
    return found
