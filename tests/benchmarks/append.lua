-- wrk's script for writing. Its arguments: the token, a command's JSON, the first command's number, how many streams they
-- go to in turn. {n} in the command is its number, {m} that of its stream.
function init(args)
    local number, streams = tonumber(args[3]), tonumber(args[4])
    local body = args[2]
    wrk.method = "POST"
    wrk.headers["Authorization"] = "Bearer " .. args[1]
    wrk.headers["Content-Type"] = "application/json"
    function request()
        local of = { n = tostring(number), m = tostring(number % streams) }
        number = number + 1
        return wrk.format(nil, nil, nil, (body:gsub("{(%a)}", of)))
    end
end

function done(summary, latency)
    local wrong = summary.errors
    io.write(string.format(
        '\n{"requests":%d,"microseconds":%d,"bytes":%d,"p50":%d,"p99":%d,"errors":%d,"refused":%d}\n',
        summary.requests, summary.duration, summary.bytes, latency:percentile(50), latency:percentile(99),
        wrong.connect + wrong.read + wrong.write + wrong.timeout, wrong.status))
end
