-- Forgets the messages of a conversation that were read before a change, and keeps them from coming back.
-- ARGV: prefix, key, change, milliseconds to live
local kept = redis.call('HGET', ARGV[2], 'c')
if kept and tonumber(kept) >= tonumber(ARGV[3]) then
  return 0
end
redis.call('DEL', ARGV[2])
redis.call('HSET', ARGV[2], 'c', ARGV[3], 'l', '0', 'm', '')
redis.call('PEXPIRE', ARGV[2], ARGV[4])
return 1
