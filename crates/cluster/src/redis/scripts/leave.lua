-- A node gives its lease back, and says so to all. Also how a process gives an earlier lease of its own back, without a word.
-- ARGV: prefix, member, goodbye ('' for none)
if redis.call('ZSCORE', leases, ARGV[2]) then
  redis.call('ZADD', leases, LEFT, ARGV[2])
end
if ARGV[3] ~= '' then
  redis.call('PUBLISH', prefix .. 'nodes', ARGV[3])
end
return 'left'
