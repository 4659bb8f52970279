-- Puts a message behind those that are kept of its conversation, if it is the next.
-- ARGV: prefix, key, seq, message, bytes that may be kept
local last = redis.call('HGET', ARGV[2], 'l')
if not last or tonumber(last) + 1 ~= tonumber(ARGV[3]) or redis.call('HSTRLEN', ARGV[2], 'm') == 0 then
  return 0
end
if redis.call('HSTRLEN', ARGV[2], 'm') + #ARGV[4] > tonumber(ARGV[5]) then
  -- Whoever reads next keeps the newest alone.
  redis.call('HSET', ARGV[2], 'l', '0', 'm', '')
  return 0
end
redis.call('HSET', ARGV[2], 'l', ARGV[3], 'm', redis.call('HGET', ARGV[2], 'm') .. ARGV[4])
return 1
