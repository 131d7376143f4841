# Portcullis as one static program. Two images:
#   docker build -t portcullis .                  for jobs: the program and the certificates, nothing else
#   docker build -t portcullis-ci --target ci .   for pipelines: a shell, and git for `diff`
FROM rust:1.95-slim-bookworm AS build
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends ca-certificates make musl-tools \
    && rm -rf /var/lib/apt/lists/* \
    && rustup target add "$(uname -m)-unknown-linux-musl"
WORKDIR /src
COPY . .
RUN cargo build --locked --release --bin portcullis --target "$(uname -m)-unknown-linux-musl" \
    && install -D "target/$(uname -m)-unknown-linux-musl/release/portcullis" /out/usr/local/bin/portcullis \
    && install -D /etc/ssl/certs/ca-certificates.crt /out/etc/ssl/certs/ca-certificates.crt \
    && install -d -m 1777 /out/tmp \
    && install -d -o 10001 -g 10001 /out/work

FROM debian:bookworm-slim AS ci
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends ca-certificates git \
    && rm -rf /var/lib/apt/lists/* \
    && git config --system --add safe.directory '*' \
    && useradd --create-home --uid 10001 portcullis
COPY --from=build /out/usr/local/bin/portcullis /usr/local/bin/portcullis
USER 10001:10001
WORKDIR /work
ENTRYPOINT ["portcullis"]
CMD ["--help"]

# No shell, no package, no file of a user. Nothing is written but what `--history` and `--format` name, and /tmp.
FROM scratch
COPY --from=build /out/ /
# By number, so that a cluster can see that it is not root.
USER 10001:10001
WORKDIR /work
ENTRYPOINT ["/usr/local/bin/portcullis"]
CMD ["--help"]
