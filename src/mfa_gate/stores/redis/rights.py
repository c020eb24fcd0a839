"""The rights that the user of an application needs in Redis.

They are looked for at the start.
"""

from __future__ import annotations

from redis.exceptions import ResponseError

from .names import PREFIX
from .pipeline import Command
from .resp import Reply

HOW_TO_GIVE = f"~{PREFIX}* &{PREFIX}* +@all -@dangerous +info"
"""The rules of a user that may do all that the store needs, and nothing to other keys."""
_KEY = f"{PREFIX}{{store}}:right"
_CHANNEL = f"{PREFIX}changed:right"
_OF_KEYS = (
    *("GET", "SMEMBERS", "ZCARD", "HGETALL", "HLEN", "TYPE", "EXISTS", "DEL", "UNLINK", "STRLEN", "XINFO STREAM"),
    *("SET {} 1", "SADD {} 1", "SREM {} 1", "SISMEMBER {} 1", "SMISMEMBER {} 1", "EXPIRE {} 1"),
    *("HGET {} 1", "HMGET {} 1", "HDEL {} 1", "HEXISTS {} 1", "HSET {} 1 1", "HSETNX {} 1 1", "HINCRBY {} 1 1"),
    *("ZADD {} 1 1", "ZREM {} 1", "ZSCORE {} 1", "ZRANGEBYLEX {} - +", "ZRANGEBYSCORE {} 1 1"),
    *("ZREVRANGEBYSCORE {} 1 1", "ZREMRANGEBYSCORE {} 1 1", "XADD {} * 1 1", "XRANGE {} - +", "XREVRANGE {} + -"),
    *("GETRANGE {} 0 1", "SETBIT {} 0 1", "BITFIELD {} GET u8 0"),
)
NEEDED = (
    *((of if "{}" in of else f"{of} {{}}").format(_KEY) for of in _OF_KEYS),
    *(f"PUBLISH {_CHANNEL} 1", f"SUBSCRIBE {_CHANNEL}", "EVALSHA 1 0", "PING", "ECHO 1", "TIME", "SCAN 0", "INFO"),
)
"""The commands, as they are asked for. What removes or rewrites lines of the trail needs some more."""

_ASK = """
local missing = {}
if not redis.acl_check_cmd then return missing end
for _, line in ipairs(ARGV) do
  local words = {}
  for word in string.gmatch(line, '%S+') do words[#words + 1] = word end
  local known, may = pcall(redis.acl_check_cmd, unpack(words))
  if not known or not may then missing[#missing + 1] = words[1] end
end
return missing
"""


def question_of_rights(*, replicas: int) -> Command:
    """Make the question. The answer names the commands that the user may not give."""
    return ("EVAL", _ASK, 0, *NEEDED, *(("WAIT 1 1",) if replicas else ()))


def fault_of_rights(reply: Reply, user: str) -> str:
    """Name the rights that an answer tells to be missing, or return ""."""
    if isinstance(reply, ResponseError):
        lacking, why = ["EVAL"], f": {reply}"
    else:
        lacking, why = [name.decode() for name in reply], ""
    if not lacking:
        return ""
    more = f" and {len(lacking) - 3} more" if len(lacking) > 3 else ""
    name = user or "default"
    return (
        f"the user {name} lacks rights ({', '.join(lacking[:3])}{more}{why}), so nobody could sign in: "
        f"ACL SETUSER {name} {HOW_TO_GIVE}"
    )
