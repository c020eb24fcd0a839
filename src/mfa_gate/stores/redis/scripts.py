"""The Lua scripts that Redis runs, each in one piece.

Each script touches the keys of one tenant only, and those share one hash slot (S-115). Every script is given the
store's id and compares it with the one in the tenant's head. If the head has none, the data was flushed, lost or never
made: the script does nothing and answers "gone".
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from .lua import DEMAND, HEAD, HISTORY, NAME_IT, TELL, WRITE_EVENTS


@dataclass(frozen=True, slots=True)
class Script:
    """The text of a script, and the digest by which Redis calls it."""

    text: str
    sha: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sha", hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest())


SWAP = Script(
    WRITE_EVENTS
    + NAME_IT
    + HISTORY
    + """
demand('hash', KEYS[1], KEYS[3], KEYS[5], KEYS[10], KEYS[11])
"""
    + HEAD
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
if ARGV[13] == '' then demand_leave('HDEL', KEYS[5], 'x') end
demand_telling(ARGV[2])
local ops = history(row[3], version, row[2], ARGV[5], ARGV[8], ARGV[9] .. ARGV[7])
redis.call('HSET', KEYS[3], 'v', ARGV[5], 'o', ARGV[7], 'c', ARGV[10], 'b', ARGV[11], 'h', ops)
local id, line = ARGV[12], ARGV[13]
local before = redis.call('HGET', KEYS[5], id)
if line == '' then
  redis.call('HDEL', KEYS[5], id)
  for i = 6, 9 do redis.call('ZREM', KEYS[i], id) end
  redis.call('ZREM', KEYS[4], id)
  unname_it(KEYS[10], KEYS[11], id)
elseif before ~= line then
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
only puts back, checksum, body, id, line ("": the person is forgotten), status, events."""

SWAP_SETTINGS = Script(
    WRITE_EVENTS
    + HISTORY
    + "demand('hash', KEYS[1])"
    + HEAD
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
    WRITE_EVENTS
    + "demand('hash', KEYS[1])"
    + HEAD
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
    DEMAND
    + TELL
    + """
demand('hash', KEYS[1])
demand_leave('HSET', KEYS[1], 'restored', '1')
demand_telling(ARGV[2])
redis.call('HSETNX', KEYS[1], 'store', ARGV[1])"""
    + HEAD
    + """
redis.call('HSET', KEYS[1], 'restored', ARGV[4])
tell(ARGV[2], ARGV[3])
return {'done'}
"""
)
"""Key: head. Arguments: store, channel, payload, when (UTC seconds). A tenant whose head the copy lacks begins anew."""

FIND = Script(
    HEAD
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
    HEAD
    + """
local found, word = {'done'}, ARGV[2]
for _, all in ipairs(redis.call('HMGET', KEYS[2], unpack(ARGV, 3))) do
  if all and string.find(all, word, 1, true) then
    for id, text in string.gmatch(all, '\\2([^%z]*)%z([^\\1]*)\\1') do
      if string.find(text, word, 1, true) then found[#found + 1] = id end
    end
  end
end
return found
"""
)
"""Keys: head, names. Arguments: store, word, the strings to look at. The ids."""

INDEX = Script(
    DEMAND
    + NAME_IT
    + "demand('hash', KEYS[1], KEYS[2], KEYS[4], KEYS[5])\ndemand('zset', KEYS[3])\ndemand_whole(KEYS[1], 'indexed')"
    + HEAD
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
    HEAD
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
    DEMAND
    + "demand('hash', KEYS[1])"
    + HEAD
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

COPY = Script(
    DEMAND
    + "demand('hash', KEYS[1], KEYS[4])\ndemand('stream', KEYS[2], KEYS[3])\n"
    + HEAD
    + """
demand_leave('XADD', KEYS[3], '*', 'k', 'v')
local last = ''
for _, entry in ipairs(redis.call('XRANGE', KEYS[2], ARGV[2], '+', 'COUNT', ARGV[3])) do
  local parts, line = entry[2], entry[2][4]
  local text = redis.call('HGET', KEYS[4], string.match(entry[1], '%d+'))
  if text and string.sub(text, 1, #line + 1) == line .. '\\n' then line = string.sub(text, #line + 2) end
  redis.call('XADD', KEYS[3], entry[1], 'k', parts[2], 'e', line, 'd', parts[6])
  last = entry[1]
end
redis.call('EXPIRE', KEYS[3], ARGV[4])
return {'done', last}
"""
)
"""Keys: head, trail, copy, texts (by the stamp of a line: the text that it has, a line break, and its new text). Arguments: store,
where to begin, how many lines, seconds to keep an unfinished copy. The answer has the id of the last line that was copied."""

TAKE_PLACE = Script(
    DEMAND
    + "demand('hash', KEYS[1])\ndemand('stream', KEYS[2], KEYS[3])\n"
    + HEAD
    + """
for i = 5, #KEYS do demand('zset', KEYS[i]) end
demand_whole(KEYS[1], 'rewritten')
demand_leave('RENAME', KEYS[3], KEYS[2])
demand_leave('PERSIST', KEYS[2])
demand_leave('HINCRBY', KEYS[1], 'rewritten', 1)
if (redis.call('HGET', KEYS[1], 'rewritten') or '0') ~= ARGV[2] or redis.call('EXISTS', KEYS[3]) == 0 then
  redis.call('UNLINK', KEYS[3], KEYS[4])
  return {'lost'}
end
for _, entry in ipairs(redis.call('XRANGE', KEYS[2], '(' .. ARGV[3], '+')) do
  redis.call('XADD', KEYS[3], entry[1], unpack(entry[2]))
end
local first = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)[1]
redis.call('UNLINK', KEYS[4])
if not first then
  redis.call('UNLINK', KEYS[3])
  return {'done'}
end
for _, entry in ipairs(redis.call('XRANGE', KEYS[3], '-', '(' .. first[1])) do redis.call('XDEL', KEYS[3], entry[1]) end
redis.call('RENAME', KEYS[3], KEYS[2])
redis.call('PERSIST', KEYS[2])
redis.call('HINCRBY', KEYS[1], 'rewritten', 1)
local at = 4
for key = 5, #KEYS, 2 do
  for i = at + 1, at + tonumber(ARGV[at]) do
    if redis.call('ZREM', KEYS[key], ARGV[i]) == 1 then redis.call('ZADD', KEYS[key + 1], ARGV[i], ARGV[i]) end
  end
  at = at + 1 + tonumber(ARGV[at])
end
return {'done'}
"""
)
"""Keys: head, trail, copy, texts, then pairs: the index of an account that lines leave, and the one that they enter. Arguments:
store, how many times the trail was rewritten when the copy began, id of the last line that was copied, then for each pair the
number of its lines and their stamps. The copy gets the lines that came meanwhile, loses those that were pruned, and takes the
place of the trail."""

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

MOVE = Script(
    """
local row = redis.call('HMGET', KEYS[1], 'v', 'o', 'h', 'c', 'b')
if row[1] ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[2])
redis.call('HSET', KEYS[2], 'v', row[1], 'o', row[2], 'h', row[3] or '', 'c', row[4], 'b', row[5])
redis.call('DEL', KEYS[1])
return 1
"""
)
"""Keys: account, its other place. Argument: version. The row of an earlier person that lies there is replaced."""

RELEASE = Script("if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end\nreturn 0\n")
"""Key: claim. Argument: whose."""
