# One image for `serve`, `worker` and `migrate`:
#   docker run -e DATABASE_URL=… gateway migrate
#   docker run -e DATABASE_URL=… -p 8000:8000 gateway
#   docker run -e DATABASE_URL=… gateway worker
# Without DATABASE_URL it starts the embedded PostgreSQL under DATA_DIR, a volume.

# Bases are named by digest, so that a build tomorrow is built on the same as today. To move on, change tag and digest
# together (`docker buildx imagetools inspect python:3.13-slim-bookworm` shows it), or pass --build-arg.
ARG NODE_BASE=node:22.23.3-bookworm-slim@sha256:43ac6c60b8f89723f746e8a92ce91abd5017e627ce1ddfe4238355d3a30b772c
ARG PYTHON_BASE=python:3.13.14-slim-bookworm@sha256:67a1e1f215ccda113cfc024e8639049257e88f273898f595b61476d128d387e8

FROM ${NODE_BASE} AS graphiql
WORKDIR /build/frontend
COPY frontend/package.json frontend/package-lock.json frontend/.npmrc ./
RUN npm ci --ignore-scripts
COPY frontend/ ./
RUN npm run build

# What builds the package stays here.
FROM ${PYTHON_BASE} AS wheel
WORKDIR /build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements.lock ./
RUN pip install --require-hashes -r requirements.lock
COPY pyproject.toml ./
COPY app/ app/
COPY migrations/ migrations/
COPY --from=graphiql /build/app/graph/http/static/ app/graph/http/static/
RUN touch README.md && pip wheel --no-deps --no-build-isolation --wheel-dir /dist .

FROM ${PYTHON_BASE} AS packages
RUN python -m venv /opt/gateway
ENV PATH=/opt/gateway/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# Only what runs: the developers' tools are in the other lock.
COPY requirements-run.lock ./
RUN pip install --require-hashes -r requirements-run.lock
COPY --from=wheel /dist/ /dist/
RUN pip install --no-deps --no-index /dist/*.whl && pip uninstall --yes pip

FROM ${PYTHON_BASE}
# tini reaps what the embedded database leaves behind and passes signals on.
RUN apt-get update && apt-get install --yes --no-install-recommends tini && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home --uid 10001 gateway && install -d -o gateway -g gateway -m 0700 /data
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
