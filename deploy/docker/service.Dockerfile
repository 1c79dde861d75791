# Image of every service and of the command line:
#
#   docker build -f deploy/docker/service.Dockerfile --build-arg SERVICE=drift -t edgeloop/drift .
#   docker build -f deploy/docker/service.Dockerfile --build-arg SERVICE=cli --build-arg FOLDER=cli --build-arg COMMAND=edgeloop -t edgeloop/cli .
#
# An image holds the service, the libraries that it depends on, and their entries of requirements.lock.

FROM python:3.13-slim AS tools
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY requirements.lock deploy/docker/closure.py ./
# The build tools of our packages come from the lock, too.
RUN --mount=type=cache,target=/root/.cache/pip \
    python closure.py requirements.lock hatchling /tmp/tools \
 && python -m venv /tools \
 && /tools/bin/pip install --quiet --no-compile --require-hashes --no-deps --only-binary=:all: -r /tmp/tools/requirements.txt

FROM tools AS build
ARG SERVICE
ARG FOLDER=services/${SERVICE}
ARG COMMAND="python -m edgeloop_${SERVICE}"
# These files change seldom, and third-party packages depend on them alone.
# libraries: made by `make generate`
COPY libs/admission/pyproject.toml libs/admission/
COPY libs/contracts/pyproject.toml libs/contracts/
COPY libs/datasets/pyproject.toml libs/datasets/
COPY libs/errors/pyproject.toml libs/errors/
COPY libs/kafka/pyproject.toml libs/kafka/
COPY libs/local/pyproject.toml libs/local/
COPY libs/mixture/pyproject.toml libs/mixture/
COPY libs/readers/pyproject.toml libs/readers/
COPY libs/replay/pyproject.toml libs/replay/
COPY libs/signing/pyproject.toml libs/signing/
COPY libs/streaming/pyproject.toml libs/streaming/
# end of libraries
COPY ${FOLDER}/pyproject.toml ${FOLDER}/
RUN --mount=type=cache,target=/root/.cache/pip \
    test -n "${SERVICE}" || { echo "say which service: --build-arg SERVICE=drift"; exit 1; } \
 && python closure.py requirements.lock ${FOLDER}/pyproject.toml /tmp/image \
 && python -m venv --without-pip /opt/edgeloop \
 && /tools/bin/pip --python /opt/edgeloop/bin/python install --quiet --no-compile --require-hashes --no-deps --only-binary=:all: \
      -r /tmp/image/requirements.txt
COPY VERSION ./
COPY libs libs
COPY ${FOLDER} ${FOLDER}
# Tests, bytecode and files for compiling against packages are left out.
RUN /tools/bin/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir /tmp/wheels $(sed 's#^#./#' /tmp/image/libraries.txt) ./${FOLDER} \
 && /tools/bin/pip --python /opt/edgeloop/bin/python install --quiet --no-compile --no-deps --no-index /tmp/wheels/*.whl \
 && find /opt/edgeloop -depth -type d \( -name tests -o -name test -o -name __pycache__ \) -exec rm -rf {} + \
 && find /opt/edgeloop -type f \( -name '*.a' -o -name '*.h' -o -name '*.hpp' -o -name '*.pxd' -o -name '*.pyx' \) -delete \
 && printf '#!/bin/sh\nexec %s "$@"\n' "${COMMAND}" > /opt/edgeloop/bin/service \
 && chmod 755 /opt/edgeloop/bin/service

FROM python:3.13-slim
ARG SERVICE
LABEL org.opencontainers.image.title="edgeloop ${SERVICE}" org.opencontainers.image.licenses="Apache-2.0"
# Mounted volumes inherit this owner.
RUN groupadd --gid 10001 edgeloop && useradd --uid 10001 --gid edgeloop --no-create-home --home-dir /var/lib/edgeloop --shell /usr/sbin/nologin edgeloop \
 && install -d -o edgeloop -g edgeloop /var/lib/edgeloop /var/lib/edgeloop/data /var/lib/edgeloop/keys /var/lib/edgeloop/trust
COPY --from=build /opt/edgeloop /opt/edgeloop
COPY --chmod=755 deploy/docker/healthy.sh /usr/local/bin/healthy
ENV PATH=/opt/edgeloop/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    OMP_NUM_THREADS=1 \
    OPENBLAS_NUM_THREADS=1 \
    MALLOC_ARENA_MAX=2 \
    MALLOC_TRIM_THRESHOLD_=131072 \
    EDGELOOP_HTTP_HOST=0.0.0.0 \
    EDGELOOP_HTTP_PORT=9100
USER edgeloop
WORKDIR /var/lib/edgeloop
EXPOSE 9100
HEALTHCHECK --interval=10s --timeout=5s --retries=6 --start-period=90s --start-interval=2s CMD ["healthy"]
ENTRYPOINT ["service"]
