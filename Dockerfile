# One image for `serve`, `worker` and `migrate`:
#   docker run -e DATABASE_URL=… gateway migrate
#   docker run -e DATABASE_URL=… -p 8000:8000 gateway
#   docker run -e DATABASE_URL=… gateway worker
# Without DATABASE_URL it starts the embedded PostgreSQL under DATA_DIR, a volume.

FROM node:22-bookworm-slim AS graphiql
WORKDIR /build/frontend
COPY frontend/package.json frontend/package-lock.json frontend/.npmrc ./
RUN npm ci --ignore-scripts
COPY frontend/ ./
RUN npm run build

FROM python:3.13-slim-bookworm AS packages
WORKDIR /build
RUN python -m venv /opt/gateway
ENV PATH=/opt/gateway/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements.lock ./
RUN pip install --require-hashes -r requirements.lock
COPY pyproject.toml ./
COPY app/ app/
COPY migrations/ migrations/
COPY --from=graphiql /build/app/graph/http/static/ app/graph/http/static/
# The lock holds the developers' tools as well; none of them is needed where it runs.
RUN touch README.md && pip install --no-deps --no-build-isolation . \
 && pip uninstall --yes coverage hypothesis import-linter inline-snapshot mypy pre-commit pytest pytest-asyncio \
      pytest-cov pytest-xdist ruff setuptools uv pip

FROM python:3.13-slim-bookworm
# tini reaps what the embedded database leaves behind and passes signals on.
RUN apt-get update && apt-get install --yes --no-install-recommends tini && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home --uid 10001 gateway && install -d -o gateway -g gateway /data
COPY --from=packages /opt/gateway /opt/gateway
ENV PATH=/opt/gateway/bin:$PATH PYTHONUNBUFFERED=1 HOST=0.0.0.0 PORT=8000 DATA_DIR=/data
USER gateway
WORKDIR /home/gateway
VOLUME /data
EXPOSE 8000
# `worker` and `migrate` serve nothing: start those with --no-healthcheck.
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 CMD ["python", "-c", \
  "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ['PORT'] + '/readyz', timeout=2)"]
ENTRYPOINT ["tini", "--", "gateway"]
CMD ["serve"]
