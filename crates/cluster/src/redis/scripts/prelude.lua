-- What all scripts begin with. ARGV[1] is the prefix of all keys, KEYS[1] the leases.
--
--   <prefix>leases          zset: node#epoch -> end of the lease, in milliseconds of this Redis' own clock
--   <prefix>versions        hash: node#epoch -> "boot versions": first epoch of its process, versions it runs
--   <prefix>epochs          hash: node -> the last epoch given
--   <prefix>at:<node#epoch> set:  users of a node, to take them off when it is dead
--   <prefix>p:<user>        hash: node#epoch#session -> 1
--   <prefix>claim:<...>     who takes the users of a dead node off; expires
--   <prefix>settling        exists while nodes return to a Redis that lost its memory; expires
local prefix = ARGV[1]
local leases = KEYS[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- A lease that was given back ends at 1: it is over, and nobody need worry about its node.
local LEFT = 1

local ends = {}
local function living(member)
  local known = ends[member]
  if known == nil then
    known = tonumber(redis.call('ZSCORE', leases, member) or 0) > now
    ends[member] = known
  end
  return known
end

-- A field of a user: its node#epoch and its session.
local function split(field)
  return string.match(field, '^(.+)#(%d+)$')
end

-- The fields of a user. The key is the cluster's own: what somebody else made of it is as good as none.
local function fields_of(user)
  local fields = redis.pcall('HKEYS', prefix .. 'p:' .. user)
  if fields.err then
    -- It is of another type: nothing else is wrong with a read.
    redis.call('DEL', prefix .. 'p:' .. user)
    return {}
  end
  return fields
end

-- Puts a user on a node's list ('SADD'), or takes them off ('SREM').
local function list_at(member, command, user)
  local at = prefix .. 'at:' .. member
  local outcome = redis.pcall(command, at, user)
  if type(outcome) == 'table' and outcome.err then
    if string.find(outcome.err, 'WRONGTYPE', 1, true) then
      redis.call('DEL', at)
    end
    redis.call(command, at, user)
  end
end

local function settling()
  return redis.call('EXISTS', prefix .. 'settling') == 1
end
