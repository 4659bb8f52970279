-- A process takes a lease under a new epoch.
-- ARGV: prefix, node, wanted epoch, boot (0: it has none yet), versions, lease in ms, settling time in ms
-- Answers {'ok', epoch}, {'taken', boot of the newer process} or {'versions', node, its versions}.
local node, wanted, boot, versions = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]

for _, member in ipairs(redis.call('ZRANGEBYSCORE', leases, now + 1, '+inf')) do
  local name = string.match(member, '^(.+)#%d+$')
  local its_boot, its_versions = string.match(redis.call('HGET', prefix .. 'versions', member) or '', '^(%d+) (.*)$')
  its_boot = tonumber(its_boot or 0)
  if name ~= node then
    if its_versions and its_versions ~= versions then
      return {'versions', name, its_versions}
    end
  elseif boot ~= 0 and its_boot > boot then
    return {'taken', tostring(its_boot)}
  end
end

-- Only a newcomer or a newer process comes this far: older processes of the name are over.
for _, member in ipairs(redis.call('ZRANGEBYSCORE', leases, now + 1, '+inf')) do
  local name = string.match(member, '^(.+)#%d+$')
  local its_boot = tonumber(string.match(redis.call('HGET', prefix .. 'versions', member) or '', '^(%d+) ') or 0)
  if name == node and its_boot ~= boot then
    redis.call('ZADD', leases, 0, member)
  end
end

local last = tonumber(redis.call('HGET', prefix .. 'epochs', node) or 0)
if boot ~= 0 and last < boot then
  -- We were here and Redis does not know it: it lost its memory. Others will return too; until then, who is not found
  -- may be there all the same.
  redis.call('SET', prefix .. 'settling', node, 'PX', ARGV[7])
end
local epoch = math.max(wanted, last + 1)
if boot == 0 then
  boot = epoch
end
local member = node .. '#' .. string.format('%.0f', epoch)
redis.call('HSET', prefix .. 'epochs', node, string.format('%.0f', epoch))
redis.call('HSET', prefix .. 'versions', member, string.format('%.0f', boot) .. ' ' .. versions)
redis.call('ZADD', leases, now + tonumber(ARGV[6]), member)
return {'ok', string.format('%.0f', epoch)}
