-- wrk's script. Its arguments: method, path, body or "", the first question's number, the positions'
-- first and count, the days' first (seconds) and count. A path or body that holds {position} and {on} becomes another
-- question each time: all pairs of a position and a day are walked in long strides, and none comes twice.
local STRIDE = 7919

function init(args)
    local path, body = args[2], args[3] ~= "" and args[3] or nil
    wrk.method, wrk.path, wrk.body = args[1], path, body
    if not (path .. (body or "")):find("{position}", 1, true) then return end
    local number, low, positions = tonumber(args[4]), tonumber(args[5]), tonumber(args[6])
    local since, days = tonumber(args[7]), tonumber(args[8])
    local names = {}
    for day = 0, days - 1 do names[day] = os.date("!%Y-%m-%d", since + day * 86400) end
    function request()
        local place = (number * STRIDE) % (positions * days)
        number = number + 1
        local of = { position = tostring(low + place % positions), on = names[math.floor(place / positions)] }
        local asked = body and body:gsub("{(%a+)}", of)
        return wrk.format(nil, (path:gsub("{(%a+)}", of)), nil, asked)
    end
end

function done(summary, latency)
    local wrong = summary.errors
    io.write(string.format(
        '\n{"requests":%d,"microseconds":%d,"bytes":%d,"p50":%d,"p99":%d,"errors":%d,"refused":%d}\n',
        summary.requests, summary.duration, summary.bytes, latency:percentile(50), latency:percentile(99),
        wrong.connect + wrong.read + wrong.write + wrong.timeout, wrong.status))
end
