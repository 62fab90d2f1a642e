import time, cProfile, pstats
from tests.conftest import *
from tests.integration.test_paging import large, PLAN as BIG
async def test_smoke(told):
    for path in ["/v1/diff?from=2023-06-30&limit=199","/v1/diff?from=2023-06-30&limit=198","/v1/diff?from=2023-06-30&limit=3&plan=shanghai-credit-2023","/v1/diff?from=2023-06-30&limit=4&plan=shanghai-credit-2023","/v1/plans/shanghai-credit-2023/tasks/21/diff?from=2023-06-30","/v1/plans/shanghai-credit-2023/tasks/21/diff?from=2023-07-30", "/v1/units/shi-ke-wei/diff?from=2023-07-30","/v1/units/shi-ke-wei/diff?from=2023-07-31"]:
        t=time.monotonic(); r=await told.http.get(path); print(f"{1000*(time.monotonic()-t):.1f} ms", path, len(r.content))
async def test_big(large):
    for path in [f"/v1/diff?from=354&limit=199&plan={BIG}",f"/v1/diff?from=352&limit=1",f"/v1/diff?from=352&limit=2","/v1/platforms/yi-wang-tong-ban","/v1/platforms/yi-wang-tong-ban?effectiveOn=2023-04-04",f"/v1/plans/{BIG}/reports?limit=200",f"/v1/plans/{BIG}/reports?limit=199",f"/v1/events?unit=shi-ke-wei&limit=200",f"/v1/events?plan={BIG}&limit=200",f"/v1/plans/{BIG}/tasks?q=量子",f"/v1/plans/{BIG}/tasks?q=量子通"]:
        t=time.monotonic(); r=await large.http.get(path); print(f"{1000*(time.monotonic()-t):.1f} ms", r.status_code, path, len(r.content))
