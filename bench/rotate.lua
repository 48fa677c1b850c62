-- Posts the prepared requests one after another, over and over; one line of JSON at the end.
-- wrk -s rotate.lua URL -- FILE; each line of FILE: method, path, API key, body, separated by tabs.

local requests, at = {}, 0

function init(args)
  for line in io.lines(args[1]) do
    local method, path, key, body = line:match("^(.-)\t(.-)\t(.-)\t(.*)$")
    local headers = { ["X-API-KEY"] = key, ["Accept"] = "application/json" }
    if body ~= "" then headers["Content-Type"] = "application/json" end
    requests[#requests + 1] = wrk.format(method, path, headers, body ~= "" and body or nil)
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"bytes":%d,"us":%d,"failed":%d,"p50_us":%d,"p99_us":%d}\n',
    summary.requests, summary.bytes, summary.duration,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
