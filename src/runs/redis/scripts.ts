/**
 * What Redis does as one step. A run is a stream. Its first entry, `0-1`, holds the header; every other one holds a batch of events
 * and is named `<seq of the last>-<fence>`. The fence counts the writers of the run: who takes it over adds an entry with the next
 * one, and from then on nothing of the writer before is taken. So all that decides who may write stands in the run itself.
 */

/** Epoch ms of the server: the clocks of the replicas play no part. */
const NOW = `
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
local function last(run)
  local entry = redis.call('XREVRANGE', run, '+', '-', 'COUNT', 1)[1]
  if not entry then return nil end
  local seq, fence = string.match(entry[1], '(%d+)-(%d+)')
  local ended = entry[2][1] == 'end'
  return tonumber(seq), tonumber(fence), ended
end
`;

/** KEYS run, leases, list; ARGV name, header, lease ms, life ms, created at, channel of the list. 1 if the name was free. */
export const claim = `${NOW}
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('XADD', KEYS[1], '0-1', 'header', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('ZADD', KEYS[2], now() + ARGV[3], ARGV[1])
redis.call('ZADD', KEYS[3], ARGV[5], ARGV[1])
redis.call('ZREMRANGEBYRANK', KEYS[3], 0, -1001)
redis.call('PEXPIRE', KEYS[3], ARGV[4])
redis.call('PUBLISH', ARGV[6], '')
return 1
`;

/**
 * KEYS run, leases, stop; ARGV name, fence, seq before, seq of the last, field (`events` or `end`), events, keep ms, channel of the run,
 * channel of the list or ''. Returns 'written', 'missing', 'lost', or the number that the run has come to.
 */
export const append = `${NOW}
local seq, fence = last(KEYS[1])
if not seq then return 'missing' end
if fence > tonumber(ARGV[2]) then return 'lost' end
if seq ~= tonumber(ARGV[3]) then return seq end
redis.call('XADD', KEYS[1], ARGV[4] .. '-' .. ARGV[2], ARGV[5], ARGV[6])
if ARGV[5] == 'end' then
  redis.call('PEXPIRE', KEYS[1], ARGV[7])
  redis.call('ZREM', KEYS[2], ARGV[1])
  redis.call('DEL', KEYS[3])
end
redis.call('PUBLISH', ARGV[8], '')
if ARGV[9] ~= '' then redis.call('PUBLISH', ARGV[9], '') end
return 'written'
`;

/**
 * Puts back a run that Redis has lost, as its writer knows it. KEYS run, leases, list; ARGV name, header, fence, lease ms, life ms,
 * created at, seq of the last, events. 1 if it was lost.
 */
export const restore = `${NOW}
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('XADD', KEYS[1], '0-1', 'header', ARGV[2])
if tonumber(ARGV[7]) > 0 then redis.call('XADD', KEYS[1], ARGV[7] .. '-' .. ARGV[3], 'events', ARGV[8]) end
redis.call('PEXPIRE', KEYS[1], ARGV[5])
redis.call('ZADD', KEYS[2], now() + ARGV[4], ARGV[1])
redis.call('ZADD', KEYS[3], ARGV[6], ARGV[1])
redis.call('PEXPIRE', KEYS[3], ARGV[5])
return 1
`;

/** KEYS leases, then for each name its run and its stop; ARGV lease ms, names. Returns the names that are to stop. */
export const renew = `${NOW}
local stops = {}
for i = 2, #ARGV do
  local run, stop = KEYS[i * 2 - 2], KEYS[i * 2 - 1]
  local _, _, ended = last(run)
  if not ended then redis.call('ZADD', KEYS[1], now() + ARGV[1], ARGV[i]) end
  if redis.call('EXISTS', stop) == 1 then table.insert(stops, ARGV[i]) end
end
return stops
`;

/** KEYS leases; ARGV how many at most. Names whose lease is over. */
export const expired = `${NOW}
return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now(), 'LIMIT', 0, ARGV[1])
`;

/** KEYS run, leases; ARGV name, lease ms, channel of the run. The new fence; 0 if there is nothing to take over. */
export const takeOver = `${NOW}
local lease = redis.call('ZSCORE', KEYS[2], ARGV[1])
if not lease or tonumber(lease) > now() then return 0 end
local seq, fence, ended = last(KEYS[1])
if not seq or ended then
  redis.call('ZREM', KEYS[2], ARGV[1])
  return 0
end
redis.call('XADD', KEYS[1], seq .. '-' .. (fence + 1), 'writer', '')
redis.call('ZADD', KEYS[2], now() + ARGV[2], ARGV[1])
redis.call('PUBLISH', ARGV[3], '')
return fence + 1
`;

/** KEYS run, leases; ARGV name, fence. Ends the lease of a run that is still this writer's. */
export const handOver = `${NOW}
local seq, fence, ended = last(KEYS[1])
if not seq or ended or fence ~= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[2], 0, ARGV[1])
return 1
`;

/** KEYS line, leases; ARGV name, grace in ms, most, life ms. Who is not kept has no place. How many stand before the name. */
export const enter = `
local time = redis.call('TIME')
local at = time[1] * 1000000 + time[2]
local before = 0
for _, name in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  if name == ARGV[1] then return before end
  local isKept = redis.call('ZSCORE', KEYS[2], name)
  if not isKept and tonumber(redis.call('ZSCORE', KEYS[1], name)) < at - ARGV[2] * 1000 then
    redis.call('ZREM', KEYS[1], name)
  else
    before = before + 1
  end
end
if before > tonumber(ARGV[3]) then return before end
local newest = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')
if newest[2] and tonumber(newest[2]) >= at then at = tonumber(newest[2]) + 1 end
redis.call('ZADD', KEYS[1], at, ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return before
`;
