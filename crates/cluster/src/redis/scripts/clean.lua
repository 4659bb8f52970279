-- One node takes the users of a dead one off, some at a time.
-- ARGV: prefix, dead member, who cleans, claim in ms, users at a time, users of the last time that are dealt with
-- Answers {'alive'}, {'claimed'} by another, {'done'}, or {'more', those now online nowhere ...,
-- '', the others ...}; the users of 'more' are to be given with the next call.
local member = ARGV[2]
if living(member) then
  return {'alive'}
end
local claim = prefix .. 'claim:' .. member
if not redis.call('SET', claim, ARGV[3], 'NX', 'PX', ARGV[4]) then
  if redis.call('GET', claim) ~= ARGV[3] then
    return {'claimed'}
  end
  redis.call('PEXPIRE', claim, ARGV[4])
end
local at = prefix .. 'at:' .. member
for i = 6, #ARGV do
  redis.call('SREM', at, ARGV[i])
end
-- Nobody's, and it would be taken for the mark in the answer.
redis.call('SREM', at, '')
local users = redis.call('SRANDMEMBER', at, ARGV[5])
if #users == 0 then
  redis.call('ZREM', leases, member)
  redis.call('HDEL', prefix .. 'versions', member)
  redis.call('DEL', at, claim)
  return {'done'}
end
local gone, others = {'more'}, {''}
for _, user in ipairs(users) do
  local key = prefix .. 'p:' .. user
  local online = false
  for _, field in ipairs(fields_of(user)) do
    local its_member = split(field)
    if its_member == member then
      redis.call('HDEL', key, field)
    elseif its_member and living(its_member) then
      online = true
    end
  end
  table.insert(online and others or gone, user)
end
for _, entry in ipairs(others) do
  table.insert(gone, entry)
end
return gone
