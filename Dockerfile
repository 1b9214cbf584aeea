# syntax=docker/dockerfile:1
# The build needs a C compiler for aws-lc; rust:slim has gcc.
FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY src ./src
# Without the simulator: what serves mail carries nothing that imitates a mail provider.
RUN cargo build --release --locked --no-default-features --features mimalloc

# glibc, libgcc and CA certificates, nothing else: no shell, no package manager.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /src/target/release/saslgate /usr/local/bin/saslgate
# Numeric, so that Kubernetes can check runAsNonRoot.
USER 65532:65532
EXPOSE 1143 1110 1587
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/saslgate"]
CMD ["run", "--config", "/etc/saslgate/saslgate.toml"]
