-- wrk script: callbacks of VEHICLES vehicles in random order, some heard far more often than others, each with its own
-- payload, rising time and sequence number. At the end one JSON line, the one that load.py prints too.
--
-- Environment: KEY, VEHICLES, FIRST_TIME (s; a later run against one server must begin later), and CLOSE for a new
-- connection each callback.
local key = os.getenv("KEY")
local vehicles = tonumber(os.getenv("VEHICLES"))
local first_time = tonumber(os.getenv("FIRST_TIME"))
local number = 0

wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["x-api-key"] = key
if os.getenv("CLOSE") then wrk.headers["Connection"] = "close" end

function init()
  math.randomseed(first_time)
end

function request()
  number = number + 1
  local vehicle = 0x100000 + math.floor(vehicles * math.random() ^ 2)
  local time = first_time + math.floor(number * 4 / vehicles)
  local turn = number % 4096
  return wrk.format(nil, "/sigfox/uplink", nil, string.format(
    '{"device":"%06X","time":%d,"data":"%08x594e427e4bb45088","seqNumber":%d}', vehicle, time, 0x130a4c0f + turn, turn))
end

function done(summary, latency)
  local wrong = summary.errors
  local broken = wrong.connect + wrong.read + wrong.write + wrong.timeout
  local taken = summary.requests - wrong.status
  io.write(string.format(
    '{"taken":%d,"refused":%d,"broken":%d,"per_s":%.1f,"p50_ms":%.3f,"p99_ms":%.3f}\n', taken, wrong.status, broken,
    taken / summary.duration * 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
