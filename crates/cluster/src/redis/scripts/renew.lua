-- A node renews its lease and sees who else lives.
-- ARGV: prefix, member, node, boot, lease in ms, most members to answer
-- Answers {'held' | 'lost' | 'taken', settling 0 | 1, member, boot, 'living' | 'dead' | 'left', member, ...}.
local member, node, boot = ARGV[2], ARGV[3], tonumber(ARGV[4])
local state = 'lost'
if living(member) then
  state = 'held'
  redis.call('ZADD', leases, now + tonumber(ARGV[5]), member)
end
local answer = {state, settling() and 1 or 0}
local all = redis.call('ZREVRANGE', leases, 0, tonumber(ARGV[6]) - 1, 'WITHSCORES')
for i = 1, #all, 2 do
  local its_end = tonumber(all[i + 1])
  local standing = its_end > now and 'living' or its_end == LEFT and 'left' or 'dead'
  local its_boot = string.match(redis.call('HGET', prefix .. 'versions', all[i]) or '', '^(%d+) ') or '0'
  if standing == 'living' and string.match(all[i], '^(.+)#%d+$') == node and tonumber(its_boot) > boot then
    answer[1] = 'taken'
  end
  table.insert(answer, all[i])
  table.insert(answer, its_boot)
  table.insert(answer, standing)
end
return answer
