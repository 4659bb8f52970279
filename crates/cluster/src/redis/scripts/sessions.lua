-- A user's connected sessions.
-- ARGV: prefix, member of the node that asks, user
-- Answers {'ok' | 'settling' | 'lost', session, ...}.
if not living(ARGV[2]) then
  return {'lost'}
end
local answer = {settling() and 'settling' or 'ok'}
for _, field in ipairs(fields_of(ARGV[3])) do
  local member, session = split(field)
  if member and living(member) then
    table.insert(answer, session)
  end
end
return answer
