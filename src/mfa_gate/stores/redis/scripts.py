"""What Redis does in one piece: each script touches the keys of one tenant only, which share one hash slot (S-115).

Every script is told the store's id and finds it in the tenant's head; where it is missing, the data was flushed, lost or
never made, and nothing is done ("gone").
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Script:
    """The text of a script and what Redis calls it."""

    text: str
    sha: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sha", hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest())


_HEAD = """
if redis.call('HGET', KEYS[1], 'store') ~= ARGV[1] then return {'gone'} end
"""

# FIPS 180-4, for the 128 ASCII bytes of two hex digests; Redis itself offers scripts SHA-1 only.
_SHA256 = """
local K = {}
for word in ([[428a2f98 71374491 b5c0fbcf e9b5dba5 3956c25b 59f111f1 923f82a4 ab1c5ed5 d807aa98 12835b01 243185be 550c7dc3
72be5d74 80deb1fe 9bdc06a7 c19bf174 e49b69c1 efbe4786 0fc19dc6 240ca1cc 2de92c6f 4a7484aa 5cb0a9dc 76f988da 983e5152 a831c66d
b00327c8 bf597fc7 c6e00bf3 d5a79147 06ca6351 14292967 27b70a85 2e1b2138 4d2c6dfc 53380d13 650a7354 766a0abb 81c2c92e 92722c85
a2bfe8a1 a81a664b c24b8b70 c76c51a3 d192e819 d6990624 f40e3585 106aa070 19a4c116 1e376c08 2748774c 34b0bcb5 391c0cb3 4ed8aa4a
5b9cca4f 682e6ff3 748f82ee 78a5636f 84c87814 8cc70208 90befffa a4506ceb bef9a3f7 c67178f2]]):gmatch('%x+') do
  K[#K + 1] = tonumber(word, 16)
end
local band, bxor, bnot, ror, shift = bit.band, bit.bxor, bit.bnot, bit.ror, bit.rshift
local function sha256(text)
  local length = #text
  text = text .. '\\128' .. string.rep('\\0', (55 - length) % 64) .. '\\0\\0\\0\\0\\0\\0'
    .. string.char(math.floor(length * 8 / 256), length * 8 % 256)
  local H = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}
  local w = {}
  for at = 1, #text, 64 do
    for i = 0, 15 do
      local p, q, r, s = string.byte(text, at + i * 4, at + i * 4 + 3)
      w[i + 1] = ((p * 256 + q) * 256 + r) * 256 + s
    end
    for i = 17, 64 do
      local p, q = w[i - 15], w[i - 2]
      w[i] = (w[i - 16] + bxor(ror(p, 7), ror(p, 18), shift(p, 3)) + w[i - 7] + bxor(ror(q, 17), ror(q, 19), shift(q, 10)))
        % 4294967296
    end
    local a, b, c, d, e, f, g, h = unpack(H)
    for i = 1, 64 do
      local one = h + bxor(ror(e, 6), ror(e, 11), ror(e, 25)) + bxor(band(e, f), band(bnot(e), g)) + K[i] + w[i]
      local two = bxor(ror(a, 2), ror(a, 13), ror(a, 22)) + bxor(band(a, b), band(a, c), band(b, c))
      h, g, f, e, d, c, b, a = g, f, e, (d + one) % 4294967296, c, b, a, (one + two) % 4294967296
    end
    for i, part in ipairs({a, b, c, d, e, f, g, h}) do H[i] = (H[i] + part) % 4294967296 end
  end
  for i = 1, 8 do H[i] = bit.tohex(H[i]) end
  return table.concat(H)
end
"""

_TELL = """local function tell(channel, payload)
  redis.call('PUBLISH', channel, redis.call('HINCRBY', KEYS[1], 'seq', 1) .. ' ' .. payload)
end
"""

# Events from argument `at` on, four each: has an account, kind, line, digest of the line. Two index keys each from `key` on.
_WRITE_EVENTS = (
    _SHA256
    + """
local function write_events(trail, at, key)
  if at > #ARGV then return end
  local head = redis.call('HMGET', KEYS[1], 'stamp', 'digest', 'length')
  local time = redis.call('TIME')
  local stamp, digest, length = tonumber(head[1] or 0), head[2] or '', tonumber(head[3] or 0)
  local now = time[1] * 1000000 + time[2]
  while at <= #ARGV do
    stamp = math.max(stamp + 1, now)
    digest = sha256(digest .. ARGV[at + 3])
    local name = string.format('%.0f', stamp)
    redis.call('XADD', trail, name .. '-0', 'k', ARGV[at + 1], 'e', ARGV[at + 2], 'd', digest)
    if ARGV[at] == '1' then redis.call('ZADD', KEYS[key], name, name) end
    redis.call('ZADD', KEYS[key + 1], name, name)
    at, key, length = at + 4, key + 2, length + 1
  end
  redis.call('HSET', KEYS[1], 'stamp', string.format('%.0f', stamp), 'digest', digest, 'length', length)
end
"""
    + _TELL
)

# A person's line in the index of names: \\2 id \\0 what is searched \\1, in one of 256 strings, so that a search looks at few.
_NAME_IT = """
local function name_it(names, id, old, text)
  local bucket = string.sub(redis.sha1hex(id), 1, 2)
  local all = redis.call('HGET', names, bucket) or ''
  if old then
    local first, last = string.find(all, '\\2' .. id .. '\\0' .. old .. '\\1', 1, true)
    if not first then return end
    all = string.sub(all, 1, first - 1) .. string.sub(all, last + 1)
  else
    redis.call('HINCRBY', KEYS[1], 'named', 1)
  end
  redis.call('HSET', names, bucket, all .. '\\2' .. id .. '\\0' .. text .. '\\1')
end
"""

SWAP = Script(
    _WRITE_EVENTS
    + _NAME_IT
    + _HEAD
    + """
local version = redis.call('HGET', KEYS[3], 'v') or '0'
if version ~= ARGV[4] then return {'lost'} end
redis.call('HSET', KEYS[3], 'v', ARGV[5], 'o', ARGV[6], 'c', ARGV[7], 'b', ARGV[8])
local id, line = ARGV[9], ARGV[10]
local before = redis.call('HGET', KEYS[5], id)
if before ~= line then
  local text, old = string.match(line, '\\n(.*)$'), before and string.match(before, '\\n(.*)$')
  if old ~= text then name_it(KEYS[#KEYS], id, old, text) end
  redis.call('HSET', KEYS[5], id, line)
  redis.call('ZADD', KEYS[4], 0, id)
  for i = 6, 9 do
    if i - 5 == tonumber(ARGV[11]) then redis.call('ZADD', KEYS[i], 0, id) else redis.call('ZREM', KEYS[i], id) end
  end
end
write_events(KEYS[2], 12, 10)
tell(ARGV[2], ARGV[3])
return {'done'}
"""
)
"""Keys: head, trail, account, ids, lines, four statuses, index keys, names. Arguments: store, channel, payload, version, next
version, operation, checksum, body, id, line, status, events."""

SWAP_SETTINGS = Script(
    _WRITE_EVENTS
    + _HEAD
    + """
if (redis.call('HGET', KEYS[1], 'sv') or '0') ~= ARGV[4] then return {'lost'} end
redis.call('HSET', KEYS[1], 'sv', ARGV[5], 'so', ARGV[6], 'sb', ARGV[7])
write_events(KEYS[2], 8, 3)
tell(ARGV[2], ARGV[3])
return {'done'}
"""
)
"""Keys: head, trail, index keys. Arguments: store, channel, payload, version, next version, operation, body, events."""

APPEND = Script(_WRITE_EVENTS + _HEAD + "write_events(KEYS[2], 2, 3)\nreturn {'done'}\n")
"""Keys: head, trail, index keys. Arguments: store, events."""

ENTER = Script("redis.call('HSETNX', KEYS[1], 'store', ARGV[1])\nreturn {redis.call('HGET', KEYS[1], 'store')}\n")
"""Key: head. Argument: store. The id that stands there."""

ACCEPT = Script(
    _TELL
    + """
redis.call('HSETNX', KEYS[1], 'store', ARGV[1])"""
    + _HEAD
    + """
redis.call('HSET', KEYS[1], 'restored', ARGV[4])
tell(ARGV[2], ARGV[3])
return {'done'}
"""
)
"""Key: head. Arguments: store, channel, payload, when (UTC seconds). A tenant whose head the copy lacks begins anew."""

FIND = Script(
    _HEAD
    + """
local found = {'done', ''}
local ids = redis.call('ZRANGEBYLEX', KEYS[3], ARGV[2], '+', 'LIMIT', 0, ARGV[5])
local limit, word = tonumber(ARGV[3]), ARGV[4]
for at = 1, #ids, 1000 do
  local lines = redis.call('HMGET', KEYS[2], unpack(ids, at, math.min(at + 999, #ids)))
  for i, line in ipairs(lines) do
    if line and (word == '' or string.find(line, word, string.find(line, '\\n', 1, true), true)) then
      found[#found + 1], found[#found + 2] = ids[at + i - 1], line
      if #found >= 2 + 2 * limit then return found end
    end
  end
end
if #ids == tonumber(ARGV[5]) then found[2] = ids[#ids] end
return found
"""
)
"""Keys: head, lines, the ids to look at. Arguments: store, first id as a bound, limit, word, how many to look at. The answer
has the last id looked at where there are more to look at, then ids and lines."""

NAMED = Script(
    _HEAD
    + """
local found, word = {'done'}, ARGV[2]
for bucket = tonumber(ARGV[3]), tonumber(ARGV[4]) do
  local all = redis.call('HGET', KEYS[2], string.format('%02x', bucket))
  if all and string.find(all, word, 1, true) then
    for id, text in string.gmatch(all, '\\2([^%z]*)%z([^\\1]*)\\1') do
      if string.find(text, word, 1, true) then found[#found + 1] = id end
    end
  end
end
return found
"""
)
"""Keys: head, names. Arguments: store, word, first and last bucket to look at. The ids."""

EVENTS = Script(
    _HEAD
    + """
local found, limit, kind = {'done'}, tonumber(ARGV[3]), ARGV[4]
local function add(entry)
  local parts = entry[2]
  if kind == '' or parts[2] == kind then
    found[#found + 1], found[#found + 2] = string.match(entry[1], '%d+'), parts[4]
  end
  return #found >= 2 * limit
end
if not KEYS[3] then
  local last = ARGV[2]
  if string.sub(last, 1, 1) == '(' then last = string.format('%.0f', tonumber(string.sub(last, 2)) - 1) end
  for _, entry in ipairs(redis.call('XREVRANGE', KEYS[2], last == '+inf' and '+' or last, '-', 'COUNT', limit)) do
    add(entry)
  end
  return found
end
local bound = ARGV[2]
while true do
  local stamps = redis.call('ZREVRANGEBYSCORE', KEYS[3], bound, '-inf', 'LIMIT', 0, 200)
  for _, stamp in ipairs(stamps) do
    local entry = redis.call('XRANGE', KEYS[2], stamp .. '-0', stamp .. '-0')[1]
    if entry and add(entry) then return found end
    bound = '(' .. stamp
  end
  if #stamps < 200 then return found end
end
"""
)
"""Keys: head, trail, and the index where one is wanted. Arguments: store, newest stamp as a bound, limit, kind where the
index is not the kind's own. The answer has stamps and lines, newest first."""

PRUNE = Script(
    _HEAD
    + """
local first = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)[1]
if not first or first[1] ~= ARGV[2] then return {'lost'} end
local count = 0
for at = 4, #ARGV, 2 do
  local name = string.match(ARGV[at], '%d+')
  redis.call('XDEL', KEYS[2], ARGV[at])
  if ARGV[at + 1] == '1' then redis.call('ZREM', KEYS[3 + 2 * count], name) end
  redis.call('ZREM', KEYS[4 + 2 * count], name)
  count = count + 1
end
redis.call('HINCRBY', KEYS[1], 'pruned', count)
redis.call('HSET', KEYS[1], 'anchor', ARGV[3])
return {'done'}
"""
)
"""Keys: head, trail, two index keys a line. Arguments: store, id of the first line, digest of the last one to go, then for each
line its id and whether it has an account."""

TAKE = Script(
    """
local limit, window, now = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local count, taking = tonumber(ARGV[4]), ARGV[5] == '1'
local rows, sum = {}, 0
local raw = redis.call('HGETALL', KEYS[1])
for i = 1, #raw, 2 do
  local at, taken = tonumber(raw[i]), tonumber(raw[i + 1])
  if at > now - window then
    rows[#rows + 1] = {at, taken}
    sum = sum + taken
  elseif taking then
    redis.call('HDEL', KEYS[1], raw[i])
  end
end
if limit <= 0 or limit < count then return {window, sum} end
local over = sum - limit + count
if over <= 0 then
  if taking then
    redis.call('HINCRBY', KEYS[1], ARGV[3], count)
    redis.call('EXPIRE', KEYS[1], window * 2 + 60)
  end
  return {0, sum + count}
end
table.sort(rows, function(a, b) return a[1] < b[1] end)
for _, row in ipairs(rows) do
  over = over - row[2]
  if over <= 0 then return {math.max(1, row[1] + window - now), sum} end
end
return {window, sum}
"""
)
"""Key: bucket. Arguments: limit, window, now, how many, whether to take them (1) or only look (0). The answer: 0 or the
seconds to wait, and what the window has, with these where they fit. As ``documents.wait_for_room``."""

RELEASE = Script("if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end\nreturn 0\n")
"""Key: claim. Argument: whose."""
