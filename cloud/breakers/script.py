"""cloud/breakers/model.py in Lua, for Redis and Valkey: one atomic step on a state that is shared.

KEYS: the breaker's hash, and the sorted set of all that are not closed, by when they may be
probed. ARGV: `ask` or how the call went, the probe, the time in milliseconds (0: the server's, so
that all go by one clock), the breaker's name, then the rule as `Rule` has it. Returns a pair, as
`Asked` is one.

A breaker of which nothing is heard for a day is forgotten: closed.
"""

from typing import Final

STEP: Final = """
local act, probe, now, name = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local window, least, percent = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local rest, longest = tonumber(ARGV[8]), tonumber(ARGV[9])
if now == 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local fields = {'half', 'good', 'bad', 'good_before', 'bad_before', 'until', 'probe'}
local s = redis.call('HMGET', KEYS[1], unpack(fields))
for i = 1, 7 do s[i] = tonumber(s[i] or '0') end
local half, good, bad, good_before, bad_before, ends, out = unpack(s)

local function keep()
  local values = {half, good, bad, good_before, bad_before, ends, out}
  local words = {}
  for i, field in ipairs(fields) do
    words[#words + 1] = field
    words[#words + 1] = string.format('%d', values[i])
  end
  redis.call('HSET', KEYS[1], unpack(words))
  redis.call('EXPIRE', KEYS[1], 86400)
  if ends == 0 then redis.call('ZREM', KEYS[2], name)
  else redis.call('ZADD', KEYS[2], string.format('%d', ends), name) end
end
local function forget()
  redis.call('DEL', KEYS[1])
  redis.call('ZREM', KEYS[2], name)
end
local function open()
  half, good, bad, good_before, bad_before, ends, out = 0, 0, 0, 0, 0, now + rest, 0
  keep()
end

if act == 'ask' then
  if ends == 0 then return {0, 0} end
  local busy = math.max(ends, out)
  if busy > now then return {busy - now, 0} end
  out = now + longest
  keep()
  return {0, out}
end
if ends ~= 0 then
  if probe ~= 0 and probe == out then
    if act == 'good' then forget()
    elseif act == 'bad' then open()
    else out = 0 keep() end
  end
  return {0, 0}
end
if act == 'none' then return {0, 0} end
local runs = math.floor(now / math.floor(window / 2))
if runs == half + 1 then good_before, bad_before, good, bad = good, bad, 0, 0
elseif runs ~= half then good_before, bad_before, good, bad = 0, 0, 0, 0 end
half = runs
if act == 'good' then good = good + 1 else bad = bad + 1 end
local failed = bad + bad_before
local total = failed + good + good_before
if total >= least and failed * 100 >= total * percent then open() else keep() end
return {0, 0}
"""
