-- Keeps the newest messages of a conversation, unless what is kept is of a later version.
-- ARGV: prefix, key, change, last seq, messages, milliseconds to live
local change, last = tonumber(ARGV[3]), tonumber(ARGV[4])
local kept = redis.call('HMGET', ARGV[2], 'c', 'l')
if kept[1] then
  local c, l = tonumber(kept[1]), tonumber(kept[2])
  if c > change or (c == change and l > last) then
    return 0
  end
end
redis.call('HSET', ARGV[2], 'c', ARGV[3], 'l', ARGV[4], 'm', ARGV[5])
redis.call('PEXPIRE', ARGV[2], ARGV[6])
return 1
