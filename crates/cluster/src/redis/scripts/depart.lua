-- A session departs.
-- ARGV: prefix, member, user, session
-- Answers 'changed' if the user is online nowhere now, else 'same'.
local member, user = ARGV[2], ARGV[3]
local key = prefix .. 'p:' .. user
local its_own = member .. '#' .. ARGV[4]
local online, here = false, false
for _, field in ipairs(fields_of(user)) do
  if field == its_own then
    redis.call('HDEL', key, field)
  else
    local its_member = split(field)
    here = here or its_member == member
    online = online or (its_member and living(its_member))
  end
end
if not here then
  list_at(member, 'SREM', user)
end
return online and 'same' or 'changed'
