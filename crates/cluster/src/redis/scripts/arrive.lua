-- A session arrives.
-- ARGV: prefix, member, user, session, company 'any' | 'none'
-- Answers 'changed', 'same', 'refused', 'unknown' or 'lost' (this node has no lease).
local member, user, session = ARGV[2], ARGV[3], ARGV[4]
if not living(member) then
  return 'lost'
end
local key = prefix .. 'p:' .. user
local online = false
for _, field in ipairs(fields_of(user)) do
  local its_member, its_session = split(field)
  if its_member and living(its_member) then
    online = true
    if ARGV[5] == 'none' and its_session ~= session then
      return 'refused'
    end
  end
end
if ARGV[5] == 'none' and not online and settling() then
  return 'unknown'
end
redis.call('HSET', key, member .. '#' .. session, 1)
list_at(member, 'SADD', user)
return online and 'same' or 'changed'
