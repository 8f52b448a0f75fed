# The images of Poolwatch: `server` (the default), `simulator`, and `mail`, the demo's mail catcher.

# What the console's pages load in the browser.
FROM node:24-bookworm-slim AS assets
WORKDIR /build/web
COPY web/package.json web/package-lock.json web/.npmrc ./
RUN npm ci --no-progress

FROM rust:1.95-bookworm AS build
WORKDIR /build
COPY . .
COPY --from=assets /build/web/node_modules web/node_modules
ENV SQLX_OFFLINE=true
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --release --locked -p poolwatch-server -p poolwatch-simulator \
    && install -D -t /out target/release/poolwatch-server target/release/poolwatch-sim

FROM node:24-bookworm-slim AS mail
WORKDIR /mail
COPY tools/demo/package.json tools/demo/package-lock.json tools/demo/.npmrc ./
RUN npm ci --no-progress
USER node
EXPOSE 1025 1080
CMD ["node_modules/.bin/maildev", "--mail-directory", "/tmp/mail"]

FROM debian:bookworm-slim AS runtime
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --user-group --home-dir /var/lib/poolwatch poolwatch \
    && install -d -o poolwatch -g poolwatch -m 750 /var/lib/poolwatch
COPY LICENSE-MIT LICENSE-APACHE /usr/share/doc/poolwatch/

FROM runtime AS simulator
COPY --from=build /out/poolwatch-sim /usr/local/bin/
USER 10001:10001
ENTRYPOINT ["poolwatch-sim"]
CMD ["--help"]

FROM runtime AS server
COPY --from=build /out/poolwatch-server /usr/local/bin/
USER 10001:10001
VOLUME /var/lib/poolwatch
EXPOSE 8443
HEALTHCHECK --interval=10s --timeout=15s --start-period=60s CMD ["poolwatch-server", "health"]
ENTRYPOINT ["poolwatch-server"]
CMD ["serve"]
