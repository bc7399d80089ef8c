# The packages are installed in one stage and copied into the other, which has neither pip's cache
# nor anything to build with. `make pin-images` pins the base image by its digest.
FROM python:3.11.14-slim-bookworm AS build
WORKDIR /build
COPY requirements-serve.txt .
RUN python -m venv --without-pip /opt/venv \
    && python -m pip --python /opt/venv/bin/python install --no-cache-dir --only-binary :all: \
        --require-hashes -r requirements-serve.txt

FROM python:3.11.14-slim-bookworm
RUN groupadd --gid 10001 auth \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin auth
COPY --from=build /opt/venv /opt/venv
WORKDIR /srv/auth
COPY . .
# Only a SQLite database is ever written here. Everything else may be read-only, but for /tmp.
RUN /opt/venv/bin/python -m compileall -q . && install --directory --owner=10001 --group=10001 --mode=0700 instance

ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    FLASK_APP=app \
    FLASK_ENV=production \
    HOST=0.0.0.0 \
    PORT=8000
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import http.client, os; c = http.client.HTTPConnection('127.0.0.1', int(os.environ['PORT']), timeout=4); c.request('GET', '/health/ready'); raise SystemExit(c.getresponse().status != 200)"]
CMD ["python", "app.py"]
