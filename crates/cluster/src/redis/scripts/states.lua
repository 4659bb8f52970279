-- Who is online.
-- ARGV: prefix, member of the node that asks, users
-- Answers one character for each user, '1' online, '0' offline, '?' unknown; or 'lost' (this node has no lease).
if not living(ARGV[2]) then
  return 'lost'
end
local offline = settling() and '?' or '0'
local answer = {}
for i = 3, #ARGV do
  local state = offline
  for _, field in ipairs(fields_of(ARGV[i])) do
    local member = split(field)
    if member and living(member) then
      state = '1'
      break
    end
  end
  answer[i - 2] = state
end
return table.concat(answer)
