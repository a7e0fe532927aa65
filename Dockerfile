# docker build -t audgate .        or, with any builder: buildah build --format docker -t audgate .
#
# A release pins both bases by the digests it was tested with, and says what it is:
#   docker buildx build --platform linux/amd64,linux/arm64 --sbom=true --provenance=mode=max \
#     --build-arg BUILD_DIGEST=sha256:… --build-arg RUNTIME_DIGEST=sha256:… \
#     --build-arg REVISION="$(git rev-parse HEAD)" --build-arg CREATED="$(date -u +%FT%TZ)" --build-arg SOURCE=https://… .
# A registry of your own: --secret id=npmrc,src="$HOME/.npmrc", which stays in no layer.

# 24 or 26.
ARG NODE=24
ARG BUILD_IMAGE=docker.io/library/node:${NODE}-trixie-slim
ARG BUILD_DIGEST
ARG RUNTIME_IMAGE=gcr.io/distroless/nodejs${NODE}-debian13:nonroot
ARG RUNTIME_DIGEST

# The result is the same for every platform, so it is built once, on the builder's own.
FROM --platform=$BUILDPLATFORM ${BUILD_IMAGE}${BUILD_DIGEST:+@${BUILD_DIGEST}} AS build
WORKDIR /src
COPY package.json package-lock.json ./
RUN --mount=type=cache,target=/npm-cache --mount=type=secret,id=npmrc,target=/run/npmrc \
  ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--cache", "/npm-cache", "--userconfig", "/run/npmrc"]
COPY build.ts LICENSE ./
COPY src ./src
RUN ["node", "build.ts"]

# No shell, no package manager, no modules: Node and one file.
FROM ${RUNTIME_IMAGE}${RUNTIME_DIGEST:+@${RUNTIME_DIGEST}}
ARG RUNTIME_IMAGE
ARG RUNTIME_DIGEST
ARG VERSION=0.1.0
ARG REVISION
ARG CREATED
ARG SOURCE
ARG URL=${SOURCE}
ARG DOCUMENTATION=${SOURCE}
LABEL org.opencontainers.image.title="audgate" \
  org.opencontainers.image.description="A reverse proxy that admits only access tokens made for this very API (RFC 8707)." \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}" \
  org.opencontainers.image.created="${CREATED}" \
  org.opencontainers.image.source="${SOURCE}" \
  org.opencontainers.image.url="${URL}" \
  org.opencontainers.image.documentation="${DOCUMENTATION}" \
  org.opencontainers.image.vendor="Audgate" \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.base.name="${RUNTIME_IMAGE}" \
  org.opencontainers.image.base.digest="${RUNTIME_DIGEST}"

# Root's, readable for everyone: any user and group will do, and none of them can change what runs.
COPY --from=build --chown=0:0 /src/dist/audgate.js /src/dist/audgate.js.map /src/dist/package.json /src/dist/LICENSE /src/dist/THIRD_PARTY /app/
COPY --from=build --chown=0:0 --chmod=0755 /src/dist/audgate /usr/local/bin/audgate

# The config of every command: who names another one here has it asked by the HEALTHCHECK too.
ENV NODE_ENV=production AUDGATE_CONFIG=/etc/audgate/audgate.yaml
# The base leaves us in a home directory of its own user.
WORKDIR /
# A number, for `runAsNonRoot`. Any other one works too.
USER 65532:65532
EXPOSE 8080 9090
# Kubernetes has its own probes; Compose and ECS ask here.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 CMD ["/usr/local/bin/audgate", "probe"]
# Node itself becomes PID 1 and handles SIGTERM: no init is needed (OP-4). Heap limit and source maps: see build.ts.
ENTRYPOINT ["/usr/local/bin/audgate"]
CMD ["serve"]
