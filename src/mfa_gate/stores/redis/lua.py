"""The pieces of Lua that the scripts in ``scripts`` are made of."""

from __future__ import annotations

HISTORY_KEPT = 40
"""The number of operations that a row remembers. An account has far fewer in the moment of a failover."""
NAMES_IN_ONE = 8
BLOCK = 4
"""Strings of the index of names that have their bits together (``name_bits``)."""


HEAD = """
if redis.call('HGET', KEYS[1], 'store') ~= ARGV[1] then return {'gone'} end
"""

# FIPS 180-4, for the 128 ASCII bytes of two hex digests; Redis itself offers scripts SHA-1 only.
SHA256 = """
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

# If a command fails in the middle of a script, Redis keeps the writes before it. So each script first checks all causes of a
# failure: the types of its keys, the numbers that it increments, and the user's permissions.
DEMAND = """
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

# The stream of the trail may be ahead of the head, so its own last id counts too.
DEMAND_TRAIL = """
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

TELL = """
local function demand_telling(channel)
  demand_whole(KEYS[1], 'seq')
  demand_leave('PUBLISH', channel, 'x')
  demand_leave('HINCRBY', KEYS[1], 'seq', 1)
end
local function tell(channel, payload)
  redis.call('PUBLISH', channel, redis.call('HINCRBY', KEYS[1], 'seq', 1) .. ' ' .. payload)
end
"""

# Arguments from `at` on, four for each event: has an account, kind, line, digest of the line. Keys from `key` on, two for
# each event: the indexes by account and by kind.
WRITE_EVENTS = (
    SHA256
    + DEMAND
    + DEMAND_TRAIL
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
    + TELL
)

# The operations that made the latest versions of a row, oldest first: "<version> <operation> <operation> ...". An operation
# that was lost and put back has a "+", and stands before the operation that put it back. That one has a "=" if it changed
# nothing else.
HISTORY = """
local function history(known, version, before, next_version, extra, operation)
  local at, words = string.match(known or '', '^(%d+) (.*)$')
  if at ~= version then words = before or '' end
  words = words .. ' ' .. extra .. ' ' .. operation
  local list = {}
  for word in string.gmatch(words, '%S+') do list[#list + 1] = word end
  return next_version .. ' ' .. table.concat(list, ' ', math.max(1, #list - KEPT + 1))
end
""".replace("KEPT", str(HISTORY_KEPT))

# The index of names: strings of records "\\2 id \\0 text to search \\1", with a few people in each string. So a search looks at
# few strings, and a change writes few bytes. `places` has the string of each person. New people come into the last string, and
# so does a new name of somebody whose string has bits.
NAME_IT = """
local function without(all, id)
  local first, behind = string.find(all, '\\2' .. id .. '\\0', 1, true)
  if not first then return all end
  return string.sub(all, 1, first - 1) .. string.sub(all, (string.find(all, '\\1', behind, true) or #all) + 1)
end
local function unname_it(names, places, id)
  local bucket = redis.call('HGET', places, id)
  if not bucket then return end
  redis.call('HSET', names, bucket, without(redis.call('HGET', names, bucket) or '', id))
  redis.call('HDEL', places, id)
end
local function name_it(names, places, id, text)
  local bucket = redis.call('HGET', places, id)
  if bucket and (tonumber(bucket) or 0) < (tonumber(redis.call('HGET', KEYS[1], 'with_bits')) or 0) * BLOCK then
    redis.call('HSET', names, bucket, without(redis.call('HGET', names, bucket) or '', id))
    bucket = nil
  end
  if not bucket then
    bucket = string.format('%d', math.floor((redis.call('HINCRBY', KEYS[1], 'indexed', 1) - 1) / IN_ONE))
    redis.call('HSET', places, id, bucket)
  end
  local all = without(redis.call('HGET', names, bucket) or '', id)
  redis.call('HSET', names, bucket, all .. '\\2' .. id .. '\\0' .. text .. '\\1')
end
""".replace("IN_ONE", str(NAMES_IN_ONE)).replace("BLOCK", str(BLOCK))
