# syntax=docker/dockerfile:1
# The build needs a C compiler for aws-lc; rust:slim has gcc.
FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY config/sbom config/
COPY src ./src
# Without the simulator: what serves mail carries nothing that imitates a mail provider.
RUN cargo build --release --locked --no-default-features --features mimalloc
# What the image gets, with its modes: COPY would give a directory of its own 0755.
RUN install -D target/release/saslgate /image/usr/local/bin/saslgate \
    && install -d /image/usr/share/doc/saslgate && config/sbom > /image/usr/share/doc/saslgate/sbom.cdx.json \
    && install -d -m 0700 /image/var/lib/saslgate

# glibc, libgcc and CA certificates, nothing else: no shell, no package manager.
FROM gcr.io/distroless/cc-debian12:nonroot
LABEL org.opencontainers.image.title="saslgate" \
      org.opencontainers.image.description="Lets old mail software log in to Exchange Online with a user name and a password" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
COPY --from=build /image/usr/ /usr/
COPY --from=build --chown=65532:65532 /image/var/lib/ /var/lib/
# In a container nobody reaches localhost: the usual listeners take logins without TLS from private networks.
# STATE_DIRECTORY: also what `docker exec` runs finds the state, wherever the configuration is.
ENV SASLGATE_CONTAINER=1 STATE_DIRECTORY=/var/lib/saslgate
# Sign-ins, and the socket by which commands reach the running saslgate. Nothing else is written: the root may be read-only.
VOLUME /var/lib/saslgate
# Numeric, so that Kubernetes can check runAsNonRoot.
USER 65532:65532
EXPOSE 1143 1110 1587
STOPSIGNAL SIGTERM
# It asks saslgate itself and never goes to Exchange.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 CMD ["/usr/local/bin/saslgate", "health"]
ENTRYPOINT ["/usr/local/bin/saslgate"]
CMD ["run"]
