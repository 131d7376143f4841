# Portcullis on a minimal base: the program, git for `diff`, and nothing else.
FROM rust:1.95-slim-bookworm AS build
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends cmake g++ make \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN cargo build --locked --release --bin portcullis

FROM debian:bookworm-slim
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends ca-certificates git \
    && rm -rf /var/lib/apt/lists/* \
    && git config --system --add safe.directory '*' \
    && useradd --create-home --uid 10001 portcullis
COPY --from=build /src/target/release/portcullis /usr/local/bin/portcullis
# By number, so that a cluster can see that it is not root.
USER 10001:10001
WORKDIR /work
ENTRYPOINT ["portcullis"]
CMD ["--help"]
