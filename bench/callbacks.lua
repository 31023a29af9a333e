-- wrk script: callbacks of VEHICLES vehicles in random order, some heard far more often than others, each with its own
-- payload, rising time and sequence number. At the end one JSON line, the one that load.py prints too.
--
-- Environment: KEY, VEHICLES, FIRST_TIME (s; a later run against one server must begin later), CLOSE for a new
-- connection each callback, LINES for batches of so many (then a batch's callbacks are counted, not the batch), and
-- AGAIN: every second callback is the one before it ("repeated"), or one from just before that one ("late"). With PAUSE_MS
-- each connection rests after an answer, for so long in the mean and by chance, as independent senders do.
local key = os.getenv("KEY")
local vehicles = tonumber(os.getenv("VEHICLES"))
local first_time = tonumber(os.getenv("FIRST_TIME"))
local lines = tonumber(os.getenv("LINES") or "0")
local again = os.getenv("AGAIN")
local pause_ms = tonumber(os.getenv("PAUSE_MS") or "0")
local number = 0
local sent

wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["x-api-key"] = key
if lines > 0 then wrk.headers["Content-Type"] = "text/plain" end
if os.getenv("CLOSE") then wrk.headers["Connection"] = "close" end

function init()
  math.randomseed(first_time)
end

local function message(pattern)
  if again and sent then
    local vehicle, time, turn = unpack(sent)
    sent = nil
    if again == "late" then turn = turn - 1 end
    return string.format(pattern, vehicle, time, 0x130a4c0f + turn, turn)
  end
  number = number + (again and 2 or 1)
  local vehicle = 0x100000 + math.floor(vehicles * math.random() ^ 2)
  local time = first_time + math.floor(number * 4 / vehicles)
  local turn = number % 4096
  sent = again and turn > 0 and { vehicle, time, turn } or nil
  return string.format(pattern, vehicle, time, 0x130a4c0f + turn, turn)
end

function request()
  if lines == 0 then
    return wrk.format(nil, "/sigfox/uplink", nil,
      message('{"device":"%06X","time":%d,"data":"%08x594e427e4bb45088","seqNumber":%d}'))
  end
  local batch = {}
  for line = 1, lines do batch[line] = message("%06X;%d;%08x594e427e4bb45088;%d;") end
  return wrk.format(nil, "/sigfox/batch", nil, table.concat(batch, "\n"))
end

if pause_ms > 0 then
  function delay()
    return math.floor(-pause_ms * math.log(1 - math.random()) + math.random())
  end
end

function done(summary, latency)
  local wrong = summary.errors
  local broken = wrong.connect + wrong.read + wrong.write + wrong.timeout
  local taken = (summary.requests - wrong.status) * math.max(lines, 1)
  io.write(string.format(
    '{"taken":%d,"refused":%d,"broken":%d,"per_s":%.1f,"p50_ms":%.3f,"p99_ms":%.3f,"p999_ms":%.3f}\n', taken, wrong.status,
    broken, taken / summary.duration * 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    latency:percentile(99.9) / 1000))
end
