-- A node says which sessions of some users it has, whatever it said before.
-- ARGV: prefix, member, then for each user: user, number of sessions, sessions
-- Answers {'settled', users of whom Redis had something else ...} or 'lost' (this node has no lease).
local member = ARGV[2]
if not living(member) then
  return 'lost'
end
local answer = {'settled'}
local i = 3
while ARGV[i] do
  local user, count = ARGV[i], tonumber(ARGV[i + 1])
  local key = prefix .. 'p:' .. user
  local wanted, differed = {}, false
  for j = i + 2, i + 1 + count do
    wanted[member .. '#' .. ARGV[j]] = true
  end
  for _, field in ipairs(fields_of(user)) do
    if split(field) == member and not wanted[field] then
      redis.call('HDEL', key, field)
      differed = true
    end
  end
  for field in pairs(wanted) do
    differed = redis.call('HSET', key, field, 1) > 0 or differed
  end
  list_at(member, count > 0 and 'SADD' or 'SREM', user)
  if differed then
    table.insert(answer, user)
  end
  i = i + 2 + count
end
return answer
