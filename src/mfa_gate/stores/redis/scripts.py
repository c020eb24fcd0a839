"""What Redis does in one piece: each script touches the keys of one tenant only, which share one hash slot (S-115).

Every script is told the store's id and finds it in the tenant's head; where it is missing, the data was flushed, lost or
never made, and nothing is done ("gone").
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

HISTORY_KEPT = 40
"""How many operations a row remembers; an account's answers and sends are far fewer in the moment of a failover."""
NAMES_IN_ONE = 8


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

# A command that fails in the middle of a script leaves standing what was written before it. So each script asks first for
# all that could make one fail: the types of its keys, the numbers that it counts on, and what the user may do.
_DEMAND = """
local function demand(kind, ...)
  for _, key in ipairs({...}) do
    local found = redis.call('TYPE', key).ok
    if found ~= 'none' and found ~= kind then
      error({err = 'WRONGTYPE ' .. key .. ' holds a ' .. found .. ', not a ' .. kind .. ': nothing was written'})
    end
  end
end
local function demand_whole(key, ...)
  for _, name in ipairs({...}) do
    local value = redis.call('HGET', key, name)
    if value and not string.match(value, '^%d%d?%d?%d?%d?%d?%d?%d?%d?%d?%d?%d?%d?%d?%d?%d?$') then
      error({err = 'ERR ' .. name .. ' in ' .. key .. ' is no number: nothing was written'})
    end
  end
end
local function demand_leave(...)
  if redis.acl_check_cmd and not redis.acl_check_cmd(...) then
    error({err = 'NOPERM this user may not ' .. ({...})[1] .. ': nothing was written'})
  end
end
"""

# The trail's stream may have come further than the head says: its own last id counts too.
_DEMAND_TRAIL = """
local last_stamp = 0
local function demand_trail(trail, at, key)
  demand('stream', trail)
  demand_whole(KEYS[1], 'stamp', 'length')
  if at > #ARGV then return end
  for i = key, key + (#ARGV - at + 1) / 2 - 1 do demand('zset', KEYS[i]) end
  if redis.call('EXISTS', trail) == 1 then
    local facts = redis.call('XINFO', 'STREAM', trail)
    for i = 1, #facts, 2 do
      if facts[i] == 'last-generated-id' then last_stamp = tonumber(string.match(facts[i + 1], '^%d+')) end
    end
    if last_stamp > 8000000000000000 then
      error({err = 'ERR the trail ' .. trail .. ' has ended: nothing was written'})
    end
  end
  demand_leave('XADD', trail, '*', 'k', 'v')
  demand_leave('ZADD', KEYS[key], 0, 'x')
end
"""

_TELL = """
local function demand_telling(channel)
  demand_whole(KEYS[1], 'seq')
  demand_leave('PUBLISH', channel, 'x')
  demand_leave('HINCRBY', KEYS[1], 'seq', 1)
end
local function tell(channel, payload)
  redis.call('PUBLISH', channel, redis.call('HINCRBY', KEYS[1], 'seq', 1) .. ' ' .. payload)
end
"""

# Events from argument `at` on, four each: has an account, kind, line, digest of the line. Two index keys each from `key` on.
_WRITE_EVENTS = (
    _SHA256
    + _DEMAND
    + _DEMAND_TRAIL
    + """
local function write_events(trail, at, key)
  if at > #ARGV then return end
  local head = redis.call('HMGET', KEYS[1], 'stamp', 'digest', 'length')
  local time = redis.call('TIME')
  local stamp, digest, length = tonumber(head[1] or 0), head[2] or '', tonumber(head[3] or 0)
  local now = time[1] * 1000000 + time[2]
  stamp = math.max(stamp, last_stamp)
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

# The operations that made the latest versions of a row, oldest first: "<version> <operation> <operation> ...". One that was
# lost and put back stands with a "+" before the operation that put it back, which has a "=" where it added nothing of its own.
_HISTORY = """
local function history(known, version, before, next_version, extra, operation)
  local at, words = string.match(known or '', '^(%d+) (.*)$')
  if at ~= version then words = before or '' end
  words = words .. ' ' .. extra .. ' ' .. operation
  local list = {}
  for word in string.gmatch(words, '%S+') do list[#list + 1] = word end
  return next_version .. ' ' .. table.concat(list, ' ', math.max(1, #list - HISTORY + 1))
end
""".replace("HISTORY", str(HISTORY_KEPT))

# The index of names: \\2 id \\0 what is searched \\1 of a few people in one string, so that a search looks at few strings and
# a change writes few bytes. Who is in which string stands in `places`; new people come into the last one.
_NAME_IT = """
local function name_it(names, places, id, text)
  local bucket = redis.call('HGET', places, id)
  if not bucket then
    bucket = string.format('%d', math.floor((redis.call('HINCRBY', KEYS[1], 'indexed', 1) - 1) / IN_ONE))
    redis.call('HSET', places, id, bucket)
  end
  local all, mark = redis.call('HGET', names, bucket) or '', '\\2' .. id .. '\\0'
  local first, behind = string.find(all, mark, 1, true)
  if first then
    local last = string.find(all, '\\1', behind, true) or #all
    all = string.sub(all, 1, first - 1) .. string.sub(all, last + 1)
  end
  redis.call('HSET', names, bucket, all .. mark .. text .. '\\1')
end
""".replace("IN_ONE", str(NAMES_IN_ONE))

SWAP = Script(
    _WRITE_EVENTS
    + _NAME_IT
    + _HISTORY
    + """
demand('hash', KEYS[1], KEYS[3], KEYS[5], KEYS[10], KEYS[11])
"""
    + _HEAD
    + """
local row = redis.call('HMGET', KEYS[3], 'v', 'o', 'h')
local version = row[1] or '0'
if version ~= ARGV[4] or (ARGV[6] ~= '' and row[2] ~= ARGV[6]) then return {'lost'} end
demand('zset', KEYS[4], KEYS[6], KEYS[7], KEYS[8], KEYS[9])
demand_whole(KEYS[1], 'indexed')
demand_trail(KEYS[2], 15, 12)
demand_leave('HSET', KEYS[3], 'v', '1')
demand_leave('ZADD', KEYS[4], 0, 'x')
demand_leave('ZREM', KEYS[6], 'x')
demand_telling(ARGV[2])
local ops = history(row[3], version, row[2], ARGV[5], ARGV[8], ARGV[9] .. ARGV[7])
redis.call('HSET', KEYS[3], 'v', ARGV[5], 'o', ARGV[7], 'c', ARGV[10], 'b', ARGV[11], 'h', ops)
local id, line = ARGV[12], ARGV[13]
local before = redis.call('HGET', KEYS[5], id)
if before ~= line then
  local text, old = string.match(line, '\\n(.*)$'), before and string.match(before, '\\n(.*)$')
  if old ~= text or redis.call('HEXISTS', KEYS[11], id) == 0 then name_it(KEYS[10], KEYS[11], id, text) end
  redis.call('HSET', KEYS[5], id, line)
  redis.call('ZADD', KEYS[4], 0, id)
  for i = 6, 9 do
    if i - 5 == tonumber(ARGV[14]) then redis.call('ZADD', KEYS[i], 0, id) else redis.call('ZREM', KEYS[i], id) end
  end
end
write_events(KEYS[2], 15, 12)
tell(ARGV[2], ARGV[3])
return {'done', ops}
"""
)
"""Keys: head, trail, account, ids, lines, four statuses, names, places, index keys. Arguments: store, channel, payload,
version, next version, the operation that made the version ("": any), operation, operations put back with it, "=" where it
only puts back, checksum, body, id, line, status, events."""

SWAP_SETTINGS = Script(
    _WRITE_EVENTS
    + _HISTORY
    + "demand('hash', KEYS[1])"
    + _HEAD
    + """
local row = redis.call('HMGET', KEYS[1], 'sv', 'so', 'sh')
local version = row[1] or '0'
if version ~= ARGV[4] or (ARGV[6] ~= '' and row[2] ~= ARGV[6]) then return {'lost'} end
demand_trail(KEYS[2], 11, 3)
demand_leave('HSET', KEYS[1], 'sv', '1')
demand_telling(ARGV[2])
local ops = history(row[3], version, row[2], ARGV[5], ARGV[8], ARGV[9] .. ARGV[7])
redis.call('HSET', KEYS[1], 'sv', ARGV[5], 'so', ARGV[7], 'sb', ARGV[10], 'sh', ops)
write_events(KEYS[2], 11, 3)
tell(ARGV[2], ARGV[3])
return {'done', ops}
"""
)
"""Keys: head, trail, index keys. Arguments: as ``SWAP`` up to "=", body, events."""

APPEND = Script(
    _WRITE_EVENTS
    + "demand('hash', KEYS[1])"
    + _HEAD
    + """
demand_trail(KEYS[2], 2, 3)
demand_leave('HSET', KEYS[1], 'stamp', '1')
write_events(KEYS[2], 2, 3)
return {'done'}
"""
)
"""Keys: head, trail, index keys. Arguments: store, events."""

ENTER = Script("redis.call('HSETNX', KEYS[1], 'store', ARGV[1])\nreturn {redis.call('HGET', KEYS[1], 'store')}\n")
"""Key: head. Argument: store. The id that stands there."""

ACCEPT = Script(
    _DEMAND
    + _TELL
    + """
demand('hash', KEYS[1])
demand_leave('HSET', KEYS[1], 'restored', '1')
demand_telling(ARGV[2])
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
local buckets = {}
for bucket = tonumber(ARGV[3]), tonumber(ARGV[4]) do buckets[#buckets + 1] = string.format('%d', bucket) end
for _, all in ipairs(redis.call('HMGET', KEYS[2], unpack(buckets))) do
  if all and string.find(all, word, 1, true) then
    for id, text in string.gmatch(all, '\\2([^%z]*)%z([^\\1]*)\\1') do
      if string.find(text, word, 1, true) then found[#found + 1] = id end
    end
  end
end
return found
"""
)
"""Keys: head, names. Arguments: store, word, first and last string to look at. The ids."""

INDEX = Script(
    _DEMAND
    + _NAME_IT
    + "demand('hash', KEYS[1], KEYS[2], KEYS[4], KEYS[5])\ndemand('zset', KEYS[3])\ndemand_whole(KEYS[1], 'indexed')"
    + _HEAD
    + """
local last = redis.call('HGET', KEYS[1], 'indexed_to')
local ids = redis.call('ZRANGEBYLEX', KEYS[3], last and '(' .. last or '-', '+', 'LIMIT', 0, ARGV[2])
for _, id in ipairs(ids) do
  local line = redis.call('HGET', KEYS[2], id)
  if line and redis.call('HEXISTS', KEYS[5], id) == 0 then
    name_it(KEYS[4], KEYS[5], id, string.match(line, '\\n(.*)$') or '')
  end
end
if #ids == tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[1], 'indexed_to', ids[#ids])
  return {'more'}
end
redis.call('HDEL', KEYS[1], 'indexed_to', 'named')
redis.call('UNLINK', KEYS[6])
return {'done'}
"""
)
"""Keys: head, lines, ids, names, places, the names as they were kept before. Arguments: store, how many to look at.
People who are not in it come into the index of names, some at a time."""

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
    _DEMAND
    + "demand('hash', KEYS[1])"
    + _HEAD
    + """
demand('stream', KEYS[2])
for i = 3, #KEYS do demand('zset', KEYS[i]) end
demand_whole(KEYS[1], 'pruned')
demand_leave('XDEL', KEYS[2], '0-1')
demand_leave('ZREM', KEYS[4] or KEYS[2], 'x')
demand_leave('HINCRBY', KEYS[1], 'pruned', 1)
demand_leave('HSET', KEYS[1], 'anchor', 'x')
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
